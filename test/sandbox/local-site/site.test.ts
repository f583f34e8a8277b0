import { describe, expect, test } from "vitest";
import type { DecisionRecord } from "../../../src/audit/mod.ts";
import { normalizePolicy } from "../../../src/policy/mod.ts";
import { AccessRequests } from "../../../src/sandbox/local-site/access-requests.ts";
import type { AccessAnswer } from "../../../src/sandbox/local-site/decide-access.ts";
import { makeSite } from "../../../src/sandbox/local-site/site.ts";
import { summarize } from "../../../src/sandbox/local-site/summary.ts";

const POLICY = normalizePolicy({
  version: 1,
  name: "docs",
  filesystem: { read: ["./src"], write: ["./docs"], deny: ["**/.env"] },
  process: {
    allow: ["git", { binary: "gh", sha256: "ab".repeat(32) }],
    deny: [{ binary: "git", args: ["push", "**"] }],
  },
  network: {
    allow: [
      { id: "read", host: "api.test", http: { access: "read-only" }, addresses: ["10.9.8.7"] },
      { host: "left.test", defer: "secret-plugin" },
    ],
    privateRanges: ["10.11.0.0/16"],
  },
  inference: {
    routes: [
      { models: ["claude-*", "fast"], provider: "house", model: "big-of-the-house" },
      { models: ["fast", "local/*"], provider: "ollama" },
    ],
    providers: { house: { kind: "vllm", baseUrl: "http://10.9.8.7/v1" } },
    intercept: ["api.test"],
  },
});

const record = (rest: Partial<DecisionRecord>): DecisionRecord => ({
  kind: "decision",
  time: "2026-01-01T00:00:00.000Z",
  sequence: 1,
  sandbox: "x",
  policy: { digest: "", generation: 1 },
  domain: "network",
  operation: "connect",
  subject: { pid: 7, binary: "/usr/bin/curl" },
  object: "other.test:443",
  verdict: "deny",
  decidedBy: { kind: "policy" },
  reason: "no rule of the policy allows it",
  ...rest,
});

function site(answer: AccessAnswer, history: readonly DecisionRecord[] = []) {
  const requests = new AccessRequests(async () => answer);
  const made = makeSite({ policy: () => summarize(POLICY, []), history: () => history, requests });
  const app = made.for({ pid: 7, binary: "/usr/bin/curl", ancestors: [] });
  return async (path: string, init?: RequestInit) => app.fetch(new Request(`http://cofferdam.local${path}`, init));
}

const DENIED: AccessAnswer = { status: "denied", reason: "it was not approved" };
const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers: { "Content-Type": "application/json", ...headers },
});

describe("the page of the policy", () => {
  test("is text, or JSON for whoever accepts that", async () => {
    const get = site(DENIED);
    const text = await get("/", { headers: { Accept: "*/*" } });
    expect(text.headers.get("Content-Type")).toMatch(/^text\/plain/);
    const words = await text.text();
    expect(words).toContain("api.test:443 (read-only)");
    expect(words).toContain("Models to call, at https://inference.local, api.test: claude-*, fast, local/*\n");
    const json = await get("/", { headers: { Accept: "application/json" } });
    expect(json.headers.get("Cache-Control")).toBe("no-store");
    expect(await json.json()).toMatchObject({
      name: "docs",
      files: { read: ["./src"], write: ["./docs"], deny: ["./**/.env"] },
      programs: { allow: ["git", "gh"], deny: ["git push **"] },
      network: { allow: [{ id: "read", host: "api.test", ports: [443] }], ask: [{ host: "left.test" }] },
      models: { allow: ["claude-*", "fast", "local/*"], at: "https://inference.local" },
    });
  });

  test("says nothing of the host's network, of plugins, or of hashes", async () => {
    const get = site(DENIED);
    for (const Accept of ["text/plain", "application/json"]) {
      const body = await (await get("/", { headers: { Accept } })).text();
      expect(body).not.toMatch(/10\.9|10\.11|secret-plugin|abab|house|ollama/);
    }
  });
});

describe("the page of denials", () => {
  test("has the newest first, each with its reason and what would help, and nothing that the host did", async () => {
    const history = [
      record({ object: "allowed.test:443", verdict: "allow" }),
      record({ object: "/host", subject: undefined as never, domain: "filesystem" }),
      record({ domain: "process", operation: "start", object: "/usr/bin/gh", argv: ["gh", "secret-argument"] }),
      record({ domain: "filesystem", operation: "write", object: "/workspace/x", ruleId: "no" }),
      record({ count: 3 }),
    ];
    const body = await (await site(DENIED, history)("/denials")).text();
    expect(body).not.toMatch(/secret-argument|allowed\.test|"\/host"/);
    expect(JSON.parse(body).denials).toMatchObject([
      { object: "other.test:443", rule: null, hint: expect.stringContaining("network.allow"), count: 3 },
      { object: "/workspace/x", rule: "no", hint: expect.stringContaining("rule no") },
      { object: "/usr/bin/gh", hint: expect.stringContaining("process.allow") },
    ]);
  });

  test("has fifty at most", async () => {
    const history = Array.from({ length: 200 }, (_, index) => record({ object: `h${index}.test:443` }));
    const { denials } = (await (await site(DENIED, history)("/denials")).json()) as { denials: { object: string }[] };
    expect([denials.length, denials[0]?.object]).toEqual([50, "h199.test:443"]);
  });
});

describe("requests for access", () => {
  const body = { host: "other.test", reason: "to read" };

  test("are answered by their status", async () => {
    const allowed = await site({ status: "allowed", reason: "fine", rule: "g" })("/requests", post(body));
    expect([allowed.status, await allowed.json()]).toMatchObject([
      200,
      { status: "allowed", scope: expect.any(String) },
    ]);
    const get = site(DENIED);
    const denied = await get("/requests", post(body));
    expect([denied.status, await denied.json()]).toEqual([403, { id: "r1", ...DENIED }]);
    expect(await (await get("/requests/r1")).json()).toEqual({ id: "r1", ...DENIED });
    expect((await get("/requests/r2")).status).toBe(404);
  });

  test("are pending where nobody answers in time, and say where to look", async () => {
    const requests = new AccessRequests(() => new Promise<never>(() => undefined));
    const made = makeSite({ policy: () => summarize(POLICY, []), history: () => [], requests });
    const app = made.for({ pid: 7, binary: "", ancestors: [] });
    const asked = new Request("http://cofferdam.local/requests", post(body, { Prefer: "wait=0" }));
    const response = await app.fetch(asked);
    expect([response.status, response.headers.get("Location")]).toEqual([202, "/requests/r1"]);
    expect(await response.json()).toMatchObject({ status: "pending", more: "/requests/r1" });
  });

  test.each<[string, RequestInit, number]>([
    ["what is no JSON", post("host=a.test"), 400],
    ["what is malformed", post({ host: "*", reason: "x" }), 400],
    ["nothing", { method: "POST" }, 400],
    ["what is long", post({ ...body, reason: "x".repeat(10_000) }), 413],
    ["another method", { method: "DELETE" }, 404],
  ])("refuse %s", async (_, init, status) => {
    expect((await site(DENIED)("/requests", init)).status).toBe(status);
  });

  test("are limited", async () => {
    const get = site(DENIED);
    const statuses: number[] = [];
    for (let index = 0; index < 14; index++) {
      statuses.push((await get("/requests", post({ ...body, host: `h${index}.test` }))).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 12 }, () => 403), 429, 429]);
  });

  test("no other page is there", async () => {
    expect((await site(DENIED)("/etc/passwd")).status).toBe(404);
  });
});
