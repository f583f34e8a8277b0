import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { webhookApprovals } from "../../plugins/mod.ts";
import { type ApprovalQuestion, webhookApprover } from "../../src/mod.ts";
import { type Asked, asked, fileQuestion } from "./support.ts";

const SECRET = "a secret of thirty-two characters";
const QUESTION = fileQuestion("/workspace/a", { operation: "write" });

/** By the letter of Standard Webhooks, not by the code under test. */
function signed(
  body: string,
  { id = `msg-${++count}`, at = Date.now(), secret = SECRET } = {},
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,bm9uZQ== v1,${signature}` };
}
let count = 0;

const answerTo = (question: string, rest: object = {}) =>
  JSON.stringify({ type: "approval.answered", question, verdict: "allow", by: "ada", scope: "session", ...rest });

let server: Server;
let url: string;
/** What the server got, and how it replies. */
let got: { readonly body: string; readonly headers: IncomingMessage["headers"] }[];
let reply: (response: ServerResponse, question: ApprovalQuestion) => void;

beforeEach(async () => {
  got = [];
  reply = (response) => response.writeHead(202).end();
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    got.push({ body, headers: request.headers });
    reply(response, JSON.parse(body).question);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/questions`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const open = (secret: string = SECRET) => webhookApprover({ url, secret: () => secret });

/** Asks, and waits until the server has the question. */
async function delivered(webhook: ReturnType<typeof open>, about: Asked) {
  const answer = Promise.resolve(webhook.approve(QUESTION, about.context));
  // Whoever asked may be gone.
  answer.catch(() => undefined);
  const before = got.length;
  await vi.waitFor(() => expect(got).toHaveLength(before + 1), { timeout: 10_000 });
  return { answer };
}

const post = (body: string, headers: Record<string, string>) =>
  new Request("http://callback.test/", { method: "POST", body, headers });

describe("a question over a webhook", () => {
  test("is signed, and may be answered in the response", async () => {
    const about = asked();
    reply = (response, question) => {
      const body = answerTo(question.id);
      response.writeHead(200, signed(body)).end(body);
    };
    expect(await open().approve(QUESTION, about.context)).toEqual({ verdict: "allow", by: "ada", scope: "session" });
    const [{ body, headers } = { body: "", headers: {} }] = got;
    expect(JSON.parse(body)).toMatchObject({ type: "approval.requested", question: { title: "write /workspace/a" } });
    const at = Number(headers["webhook-timestamp"]) * 1000;
    const expected = signed(body, { id: String(headers["webhook-id"]), at });
    expect(expected["webhook-signature"]).toContain(headers["webhook-signature"]);
    expect(JSON.stringify(got)).not.toContain(SECRET);
  });

  test("may be answered later, once; what comes again, or too late, is refused and recorded", async () => {
    const [about, other] = [asked(), asked()];
    const webhook = open();
    await delivered(webhook, about);
    const body = answerTo(about.context.id);
    const headers = signed(body);
    const taken = await webhook.handler(post(body, headers));
    expect([taken.status, await taken.json()]).toEqual([200, { message: "it is taken" }]);
    expect((await webhook.handler(post(body, headers))).status).toBe(409);
    expect((await webhook.handler(post(body, signed(body)))).status).toBe(409);
    expect(about.refused.map(({ why, by }) => [why, by])).toEqual([
      ["replayed", "ada"],
      ["double", "ada"],
    ]);
    await delivered(webhook, other);
    other.end();
    await vi.waitFor(async () => {
      const late = answerTo(other.context.id);
      expect((await webhook.handler(post(late, signed(late)))).status).toBe(409);
      expect(other.refused.at(-1)).toMatchObject({ why: "late" });
    });
  });

  test.each<[string, (body: string) => [string, Record<string, string>], number]>([
    ["another secret", (body) => [body, signed(body, { secret: "another secret of thirty-two bytes" })], 401],
    ["a changed body", (body) => [body.replace("allow", "deny "), signed(body)], 401],
    ["an old signature", (body) => [body, signed(body, { at: Date.now() - 600_000 })], 401],
    ["one from the future", (body) => [body, signed(body, { at: Date.now() + 600_000 })], 401],
    ["no signature", (body) => [body, {}], 401],
    ["an id that is none", (body) => [body, signed(body, { id: "a b" })], 401],
    ["a question sent back", () => [got[0]?.body ?? "", signed(got[0]?.body ?? "")], 400],
    ["other keys", (body) => [body.replace("{", '{"extra":1,'), signed(body.replace("{", '{"extra":1,'))], 400],
    ["another question", () => [answerTo("guess"), signed(answerTo("guess"))], 404],
    ["too much", () => ["x".repeat(70_000), signed("x".repeat(70_000))], 413],
  ])("is not answered by %s", async (_, make, status) => {
    const about = asked();
    const webhook = open();
    const { answer } = await delivered(webhook, about);
    const [body, headers] = make(answerTo(about.context.id));
    expect((await webhook.handler(post(body, headers))).status).toBe(status);
    if (status === 401) expect(about.refused).toMatchObject([{ why: "forged" }]);
    const right = answerTo(about.context.id, { verdict: "deny" });
    expect((await webhook.handler(post(right, signed(right)))).status).toBe(200);
    expect(await answer).toMatchObject({ verdict: "deny" });
  });

  test.each<[string, (response: ServerResponse, question: ApprovalQuestion) => void, RegExp]>([
    ["fails", (response) => response.writeHead(500).end(), /answered 500/],
    ["redirects", (response) => response.writeHead(302, { location: url }).end(), /./],
    ["hangs up", (response) => response.destroy(), /./],
    ["answers without a signature", (response, { id }) => response.end(answerTo(id)), /no signed answer/],
    [
      "answers another question",
      (response) => {
        const body = answerTo("guess");
        response.writeHead(200, signed(body)).end(body);
      },
      /no signed answer/,
    ],
    ["sends a page", (response) => response.end("<html>"), /no signed answer/],
    ["never ends", (response) => response.write("x".repeat(100_000)), /no signed answer/],
  ])("fails, which is a no, where the server %s", async (_, how, message) => {
    reply = how;
    const webhook = open();
    await expect(webhook.approve(QUESTION, asked().context)).rejects.toThrow(message);
    expect(got).toHaveLength(1);
  });

  test("ends when nobody waits any more", async () => {
    const about = asked();
    reply = () => undefined;
    const webhook = open();
    const pending = webhook.approve(QUESTION, about.context);
    await vi.waitFor(() => expect(got).toHaveLength(1), { timeout: 10_000 });
    about.end();
    await expect(pending).rejects.toThrow();
  });

  test("asks as a plugin, and takes answers where it is mounted", async () => {
    const about = asked();
    let handler: (request: Request) => Promise<Response> = () => Promise.reject(new Error("it is not mounted"));
    const mount = (given: typeof handler) => {
      handler = given;
    };
    const { name, approve } = webhookApprovals({ url, secret: () => SECRET, mount });
    const { answer } = await delivered({ approve: approve ?? (() => undefined), handler }, about);
    const body = answerTo(about.context.id);
    expect((await handler(post(body, signed(body, { secret: `${SECRET}!` })))).status).toBe(401);
    expect((await handler(post(body, signed(body)))).status).toBe(200);
    expect([name, await answer]).toMatchObject(["webhook-approvals", { verdict: "allow", by: "ada" }]);
  });

  test("needs a secret, and says nothing of one that is too short", async () => {
    await expect(open("short").approve(QUESTION, asked().context)).rejects.toThrow(/^(?!.*short)/);
    expect(got).toHaveLength(0);
  });

  test.each(["http://approvals.example.com/", "ftp://127.0.0.1/", "https://user@approvals.example.com/", "no"])(
    "is not posted to %s",
    (to) => {
      expect(() => webhookApprover({ url: to, secret: () => SECRET })).toThrow("Cannot post questions");
    },
  );

  test("takes answers by POST only", async () => {
    expect((await open().handler(new Request("http://callback.test/"))).status).toBe(405);
  });
});
