/**
 * What is recorded of what calls say: nothing, unless the policy asks for it.
 */
import { expect, test } from "vitest";
import type { CallRecord } from "../../src/domains/inference/mod.ts";
import { PluginRegistry } from "../../src/hooks/mod.ts";
import { answerJudge } from "../../src/sandbox/inference/answer-judge.ts";
import { callDecision } from "../../src/sandbox/inference/call-decision.ts";
import { CHAT_TOOLS, CHAT_WHOLE, MESSAGE_TOOLS, MESSAGE_WHOLE } from "./fixtures.ts";
import { either } from "./model-server.ts";
import { bench, CHAT, MESSAGE, section, serve } from "./support.ts";

const SECRET = `s3cr3t/${"x".repeat(12)}`;
const secrets = () => [{ name: "TOKEN", values: [SECRET] }];

async function recorded(audit: { readonly inference?: "content" }, rest: object = {}, privacy: object = {}) {
  const gpt = await serve(either(CHAT_WHOLE, CHAT_TOOLS));
  const claude = await serve(either(MESSAGE_WHOLE, MESSAGE_TOOLS));
  const made = bench({ ...section({ gpt, claude }), ...privacy }, rest, audit);
  const post = async (path: string, body: object): Promise<CallRecord> => {
    await (await made.fetch(path, { method: "POST", body: JSON.stringify(body) })).text();
    await expect.poll(() => made.records.length).toBe(1);
    return made.records.pop() ?? expect.unreachable();
  };
  return { ...made, post, contentOf: (call: CallRecord) => callDecision(call, secrets).inference?.content };
}

const said = (content: string) => ({ ...CHAT, messages: [{ role: "user" as const, content }] });

test("nothing that was said is in a record by default", async () => {
  const { post } = await recorded({});
  for (const stream of [false, true]) {
    const record = callDecision(
      await post("/v1/chat/completions", { ...said("a plan nobody knows"), stream }),
      secrets,
    );
    expect(JSON.stringify(record)).not.toMatch(/plan|Hello|I look/);
  }
});

test("with audit.inference: content both directions are, whole or in pieces, as they went on after hooks", async () => {
  const chunk = ({ text }: { readonly text: string }) => ({ text: text.replace("look", "see") });
  const registry = await PluginRegistry.open([{ name: "a", hooks: { inference: { chunk } } }], { sandbox: "s" });
  const { post, contentOf } = await recorded({ inference: "content" }, { hears: answerJudge(registry) });
  const whole = contentOf(await post("/v1/chat/completions", said("a plan")));
  expect(JSON.parse(whole?.request ?? "")).toEqual(said("a plan"));
  expect(JSON.parse(whole?.answer ?? "")).toMatchObject({ choices: [{ message: { content: "Hello, wörld" } }] });
  const pieces = contentOf(await post("/v1/messages", { ...MESSAGE, stream: true }));
  expect(JSON.parse(pieces?.answer ?? "")).toEqual([
    { kind: "thought", text: "hm" },
    { kind: "text", text: "I see." },
    { kind: "tool", tool: "weather", text: '{"city":"Ulm"}' },
  ]);
});

test("what is recorded holds no secret, and no more than it should", async () => {
  const { post, contentOf } = await recorded({ inference: "content" });
  const key = `ghp_${"a1".repeat(18)}`;
  const forms = [
    SECRET,
    SECRET.replace("/", "\\/"),
    encodeURIComponent(SECRET),
    Buffer.from(SECRET).toString("base64"),
    key,
  ];
  const request = contentOf(await post("/v1/chat/completions", said(forms.join(" "))))?.request ?? "";
  expect(request).not.toMatch(/s3cr3t|a1a1|x{8}|c3cz|MzY3IzdC|ghp_/);
  expect(request.match(/\[redacted:[^\]]*\]/g)).toHaveLength(forms.length);
  // Wherever it is cut, no part of a key is left.
  for (const before of [8150, 8180]) {
    const text = `${"b ".repeat(before / 2)}${key} ${"c ".repeat(50_000)}${key} ${"d ".repeat(12_250)}`;
    const long = contentOf(await post("/v1/chat/completions", said(text)))?.request ?? "";
    expect(long.length).toBeLessThan(33_000);
    expect(long).toMatch(/^\{"model":"gpt-x"[\s\S]*\[cut: \d+ characters\][\s\S]*\}$/);
    expect(long).not.toMatch(/a1/);
  }
});

test("what a rule of privacy is about is in no record, and neither is what nobody was sent", async () => {
  const privacy = { privacy: [{ id: "mail", patterns: ["emails" as const], action: "redact" as const, local: true }] };
  const { post, contentOf } = await recorded({ inference: "content" }, {}, privacy);
  const call = await post("/v1/chat/completions", said("ask ada@example.com"));
  expect([call.privacy.length, contentOf(call)]).toEqual([1, undefined]);
  expect(contentOf(await post("/v1/chat/completions", { ...CHAT, model: "unrouted" }))).toBeUndefined();
});
