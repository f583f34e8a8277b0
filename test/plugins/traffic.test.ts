import { describe, expect, test, vi } from "vitest";
import { rateLimit, SpendLedger, secretScrubber, spendBudget } from "../../plugins/mod.ts";
import { KEYS_MAX } from "../../plugins/rate-limit/counter.ts";
import type { DecisionRecord, Plugin } from "../../src/mod.ts";
import { callOf, onCall, onMessage, onRequest, onResponse } from "./support.ts";

const KEY = `ghp_${"a1".repeat(18)}`;
const post = (body: string, url = "https://api.test/notes") => new Request(url, { method: "POST", body });

describe("secretScrubber()", () => {
  test("blacks out what leaves, and leaves the rest as it is", async () => {
    const plugin = secretScrubber({ patterns: [/\bcorp-\d{4}\b/g] });
    const changed = await onRequest(plugin, post(`a ${KEY} b corp-1234 $& c`));
    expect(changed).toBeInstanceOf(Request);
    expect(await (changed as Request).text()).toBe("a [secret] b [secret] $& c");
    expect(await onRequest(plugin, post("nothing"))).toBeUndefined();
    expect(await onRequest(plugin, new Request("https://api.test/"))).toBeUndefined();
    expect(await onMessage(plugin, `x ${KEY}`)).toBe("x [secret]");
    expect(await onMessage(plugin, Buffer.from(`x ${KEY}`))).toMatchObject({ verdict: "deny" });
    const body = { messages: [{ content: [{ text: "-----BEGIN RSA PRIVATE KEY-----\nMII" }] }] };
    const cleaned = { body: { messages: [{ content: [{ text: "[secret]" }] }] } };
    expect(await onCall(plugin, callOf({ body }))).toEqual(cleaned);
    expect(await onCall(plugin, callOf({ body: { a: [1, null, true] } }))).toBeUndefined();
  });

  test.each([`https://api.test/?k=${KEY}`, `https://api.test/g%68p_${"a1".repeat(18)}`])(
    "denies an address that has one: %s",
    async (url) => {
      expect(await onRequest(secretScrubber(), new Request(url))).toMatchObject({ verdict: "deny" });
    },
  );

  test("denies all of it where it is told to, and what is too long to look into", async () => {
    const plugin = secretScrubber({ action: "deny", maxBytes: 100 });
    expect(await onRequest(plugin, post(KEY))).toMatchObject({ verdict: "deny" });
    expect(await onCall(plugin, callOf({ body: { a: KEY } }))).toMatchObject({ verdict: "deny" });
    await expect(onRequest(plugin, post("x".repeat(200)))).rejects.toMatchObject({ code: "BODY_TOO_LONG" });
    expect(() => secretScrubber({ patterns: [/x/] })).toThrow("must be global");
  });

  test("looks at answers where it is told to", async () => {
    const plugin = secretScrubber({ responses: true });
    const request = new Request("https://api.test/");
    const answer = new Response(`{"k":"${KEY}"}`, { headers: { "content-type": "application/json" } });
    expect(await ((await onResponse(plugin, request, answer)) as Response).text()).toBe('{"k":"[secret]"}');
    const image = new Response(KEY, { headers: { "content-type": "image/png" } });
    expect(await onResponse(plugin, request, image)).toBeUndefined();
    expect(secretScrubber().hooks?.network?.response).toBeUndefined();
  });
});

/** A call that was answered. */
function answered(tokens: number, usd: number, change: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    ...{ kind: "decision", time: new Date().toISOString(), sequence: 1, sandbox: "5a4db0", domain: "inference" },
    ...{ policy: { digest: "", generation: 1 }, operation: "call", subject: { pid: 7 }, object: "m", verdict: "allow" },
    ...{ decidedBy: { kind: "policy" }, reason: "" },
    inference: { endpoint: "chat", inputTokens: tokens, outputTokens: 0, usd, outcome: "answered" },
    ...change,
  };
}

function tell(plugin: Plugin, record: DecisionRecord): void {
  const hook = plugin.hooks?.decision;
  if (typeof hook !== "function") throw new Error("it observes nothing");
  const { signal } = new AbortController();
  hook(record, { sandbox: record.sandbox, plugin: plugin.name, hook: "decision", signal });
}

describe("spendBudget()", () => {
  test("denies calls when it is used up, and warns before", async () => {
    const onWarning = vi.fn();
    const plugin = spendBudget({ usd: 1, onWarning });
    expect(await onCall(plugin, callOf())).toBeUndefined();
    tell(plugin, answered(10, 0.85));
    expect(onWarning).toHaveBeenCalledExactlyOnceWith("usd", 0.85);
    expect(await onCall(plugin, callOf())).toBeUndefined();
    tell(plugin, answered(10, 0.2));
    expect(await onCall(plugin, callOf())).toMatchObject({
      verdict: "deny",
      reason: "the budget of 1 usd is used up",
    });
  });

  test("counts what runs at one time with what it reads", async () => {
    const plugin = spendBudget({ tokens: 100 });
    expect(await onCall(plugin, callOf({ estimatedTokens: 60 }))).toBeUndefined();
    expect(await onCall(plugin, callOf({ estimatedTokens: 60 }))).toMatchObject({ verdict: "deny" });
    tell(plugin, answered(30, 0));
    expect(await onCall(plugin, callOf({ estimatedTokens: 60 }))).toBeUndefined();
  });

  test("is one for several sandboxes, for a time, and forgets the calls of one that ended", async () => {
    vi.useFakeTimers();
    try {
      const ledger = new SpendLedger();
      const options = { calls: 2, windowMs: 1000, ledger };
      const [one, two] = [spendBudget(options), spendBudget(options)];
      await onCall(one, callOf());
      tell(one, answered(1, 0));
      await onCall(one, callOf());
      expect(await onCall(two, callOf())).toMatchObject({ verdict: "deny" });
      const end = await one.setup?.({ sandbox: "5a4db0", plugin: "spend-budget" });
      await end?.();
      expect(await onCall(two, callOf())).toBeUndefined();
      expect(await onCall(two, callOf())).toMatchObject({ verdict: "deny" });
      ledger.forget("5a4db0");
      vi.advanceTimersByTime(1001);
      expect(ledger.total(1000)).toEqual({ usd: 0, tokens: 0, calls: 0 });
    } finally {
      vi.useRealTimers();
    }
    expect(() => spendBudget({ usd: 0 })).toThrow("must be above 0");
  });
});

describe("rateLimit()", () => {
  test("answers one request too many with 429, until there is room", async () => {
    vi.useFakeTimers();
    try {
      const plugin = rateLimit({ requests: { max: 2, windowMs: 10_000, per: "host" } });
      const get = (host: string) => onRequest(plugin, new Request(`https://${host}/`));
      for (const host of ["a.test", "a.test", "b.test"]) expect(await get(host)).toBeUndefined();
      vi.advanceTimersByTime(4000);
      const answer = (await get("a.test")) as Response;
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "6"]);
      expect(await answer.json()).toMatchObject({ reason: "more than 2 requests in 10 s" });
      vi.advanceTimersByTime(6001);
      expect(await get("a.test")).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test("forgets no host that is still counted: past the bound new ones are denied, with a reason", async () => {
    vi.useFakeTimers();
    try {
      const plugin = rateLimit({ requests: { max: 1, windowMs: 10_000, per: "host" } });
      const get = (host: string) => onRequest(plugin, new Request(`https://${host}/`));
      expect(await get("first.test")).toBeUndefined();
      vi.advanceTimersByTime(2000);
      for (let at = 1; at < KEYS_MAX; at++) expect(await get(`h${at}.test`)).toBeUndefined();
      // Names that nobody has heard of do not make room for a second request to the first.
      const refused = (await get("new.test")) as Response;
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "8"]);
      expect(await refused.json()).toMatchObject({ reason: `more than ${KEYS_MAX} hosts in 10 s` });
      expect(await ((await get("first.test")) as Response).json()).toMatchObject({
        reason: "more than 1 requests in 10 s",
      });
      vi.advanceTimersByTime(8001);
      expect(await get("first.test")).toBeUndefined();
      expect(((await get("new.test")) as Response).status).toBe(429);
      vi.advanceTimersByTime(2000);
      expect(await get("new.test")).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test("denies calls past their rate, and has no hook for what it does not limit", async () => {
    const plugin = rateLimit({ calls: { max: 1 } });
    expect(await onCall(plugin, callOf())).toBeUndefined();
    expect(await onCall(plugin, callOf())).toMatchObject({ verdict: "deny" });
    expect(plugin.hooks?.network?.request).toBeUndefined();
    expect(() => rateLimit({ calls: { max: 0 } })).toThrow("whole max above 0");
  });
});
