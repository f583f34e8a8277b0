import { describe, expect, test } from "vitest";
import { Fingerprints } from "../../src/domains/inference/privacy/fingerprints.ts";
import type { PatternTable } from "../../src/domains/inference/privacy/own.ts";
import { type Approver, HookedCall, type Plugin, PluginRegistry } from "../../src/hooks/mod.ts";
import type { PrivacyRule } from "../../src/policy/mod.ts";
import { CHAT_WHOLE, MESSAGE_WHOLE } from "./fixtures.ts";
import { json } from "./model-server.ts";
import { bench, CHAT, serve } from "./support.ts";

interface Setting {
  readonly approve?: Approver;
  readonly plugins?: readonly Plugin[];
  readonly patterns?: PatternTable;
  readonly fallback?: boolean;
}

/** Two providers that are somebody else's, one of this machine, and rules about what goes where. */
async function guarded(privacy: readonly PrivacyRule[], { approve, plugins = [], patterns, fallback }: Setting = {}) {
  const servers = {
    far: await serve(json(CHAT_WHOLE)),
    other: await serve(json(MESSAGE_WHOLE)),
    near: await serve(json(CHAT_WHOLE)),
  };
  const fingerprints = new Fingerprints();
  const registry = await PluginRegistry.open(plugins, { sandbox: "s", approve });
  const routes = [
    { id: "all", models: ["gpt-*"], provider: "far", ...(fallback ? { fallbacks: [{ provider: "near" }] } : {}) },
    { id: "other", models: ["other"], provider: "other" },
    { id: "here", models: ["here"], provider: "near" },
  ];
  const providers = {
    far: { kind: "openai", baseUrl: `${servers.far.url}/v1`, local: false } as const,
    other: { kind: "anthropic", baseUrl: servers.other.url, local: false } as const,
    near: { kind: "vllm", baseUrl: `${servers.near.url}/v1` } as const,
  };
  const made = bench(
    { routes, providers, privacy },
    {
      patterns,
      fingerprints: () => fingerprints,
      judge: async (call, ruling, signal) => {
        const it = new HookedCall(call);
        const decided = await registry.decideCall(it, ruling, { signal });
        return it.changedBy === undefined ? { decided } : { decided, body: it.current.body };
      },
    },
  );
  const post = async (content: unknown, model = "gpt-x") => {
    const body = JSON.stringify({ ...CHAT, model, messages: [{ role: "user", content }] });
    const answer = await made.fetch("/v1/chat/completions", { method: "POST", body });
    return [answer.status, await answer.text()] as const;
  };
  const asked = () => Object.values(servers).map(({ requests }) => requests.length);
  return { ...made, ...servers, fingerprints, post, asked };
}

const SECRET = "write to ada@example.com about it";

describe("rules of privacy", () => {
  test("deny: nobody is asked, and the record says by which rule", async () => {
    const { post, asked, records } = await guarded([{ id: "mail", patterns: ["emails"], action: "deny" }]);
    const [status, text] = await post(SECRET);
    expect([status, asked()]).toEqual([403, [0, 0, 0]]);
    expect(text).toContain("the rule mail keeps here");
    expect((await post("nothing special"))[0]).toBe(200);
    expect(records[0]).toMatchObject({
      failure: { kind: "denied" },
      privacy: [{ rule: "mail", action: "deny", count: 1 }],
    });
    expect(records[1]?.privacy).toEqual([]);
    expect(JSON.stringify(records)).not.toContain("ada@");
  });

  test("route: a provider of this machine takes the call, by its own name of the model", async () => {
    const { post, asked, near, records } = await guarded([
      { patterns: ["emails"], action: "route", provider: "near", model: "small" },
    ]);
    expect((await post(SECRET))[0]).toBe(200);
    expect((await post(SECRET, "other"))[0]).toBe(200);
    expect([asked(), near.requests[0]?.body.model]).toEqual([[0, 0, 2], "small"]);
    expect(records[0]).toMatchObject({ model: "gpt-x", route: { id: "all" }, target: { provider: { name: "near" } } });
  });

  test("redact: the call goes without, in every form that it has", async () => {
    const { post, far, other, records } = await guarded(
      [
        { id: "mail", patterns: ["emails"], action: "redact" },
        { id: "acme", patterns: [{ regex: "ACME-\\d{4}" }, { function: "shout" }], action: "redact" },
      ],
      { patterns: { shout: (text) => [...text.matchAll(/LOUD/g)].map(({ index }) => [index, index + 4] as const) } },
    );
    await post(`${SECRET} ACME-1234 LOUD`);
    expect(far.requests[0]?.body.messages[0].content).toBe(
      "write to [redacted: mail] about it [redacted: acme] [redacted: acme]",
    );
    await post([{ type: "text", text: JSON.stringify({ to: "ada@example.com" }) }], "other");
    expect(JSON.stringify(other.requests[0]?.body)).toContain('{\\"to\\":\\"[redacted: mail]\\"}');
    expect(records.map(({ privacy }) => privacy.map(({ rule, count }) => [rule, count]))).toEqual([
      [
        ["mail", 1],
        ["acme", 2],
      ],
      [["mail", 2]],
    ]);
    const file = Buffer.from(`${"a line of a file\n".repeat(9)}${SECRET}`).toString("base64");
    const [status, text] = await post([{ type: "image_url", image_url: { url: `data:image/png;base64,${file}` } }]);
    expect([status, text]).toEqual([403, expect.stringContaining("cannot be sent without it")]);
    expect(far.requests).toHaveLength(1);
  });

  test("ask: the approver sees the call, and the rule", async () => {
    const asked: unknown[] = [];
    const approve: Approver = (request) => {
      asked.push([request.ruleId, request.reason, request.domain === "inference" && request.call?.verdict]);
      return asked.length > 1;
    };
    const { post, far } = await guarded([{ id: "mail", patterns: ["emails"], action: "ask" }], { approve });
    expect([(await post(SECRET))[0], (await post(SECRET))[0], (await post("hello there"))[0]]).toEqual([403, 200, 200]);
    expect(asked).toEqual([["mail", expect.stringContaining("mail"), "ask"], expect.anything()]);
    expect(far.requests).toHaveLength(2);
    const nobody = await guarded([{ patterns: ["emails"], action: "ask" }]);
    expect([(await nobody.post(SECRET))[0], nobody.asked()]).toEqual([403, [0, 0, 0]]);
  });

  test("what stays on this machine is nobody's concern, unless a rule says so", async () => {
    const { post, asked } = await guarded([{ patterns: ["emails"], action: "deny" }]);
    expect([(await post(SECRET, "here"))[0], asked()]).toEqual([200, [0, 0, 1]]);
    const strict = await guarded([{ patterns: ["emails"], action: "deny", local: true }]);
    expect([(await strict.post(SECRET, "here"))[0], strict.asked()]).toEqual([403, [0, 0, 0]]);
  });

  test("a denial beats the rest, and a fallback of this machine remains", async () => {
    const rules = [
      { patterns: ["emails"], action: "redact" },
      { patterns: ["emails"], action: "deny" },
    ] as const;
    const { post, asked } = await guarded(rules);
    expect([(await post(SECRET))[0], asked()]).toEqual([403, [0, 0, 0]]);
    const spare = await guarded(rules, { fallback: true });
    expect([(await spare.post(SECRET))[0], spare.asked()]).toEqual([200, [0, 0, 1]]);
  });

  test("what a hook makes of a call is looked at, too", async () => {
    const leak: Plugin = {
      name: "leak",
      hooks: {
        inference: { call: ({ body }) => ({ body: { ...body, messages: [{ role: "user", content: SECRET }] } }) },
      },
    };
    const deny = await guarded([{ patterns: ["emails"], action: "deny" }], { plugins: [leak] });
    expect([(await deny.post("hello there"))[0], deny.asked()]).toEqual([403, [0, 0, 0]]);
    const ask = await guarded([{ patterns: ["emails"], action: "ask" }], { plugins: [leak], approve: () => true });
    expect([(await ask.post("hello there"))[0], ask.asked()]).toEqual([403, [0, 0, 0]]);
  });

  test("a function that fails is a denial", async () => {
    const { post, asked } = await guarded([{ id: "own", patterns: [{ function: "f" }], action: "redact" }], {
      patterns: {
        f: () => {
          throw new Error("broken");
        },
      },
    });
    const [status, text] = await post("hello there");
    expect([status, asked()]).toEqual([403, [0, 0, 0]]);
    expect(text).not.toContain("broken");
  });

  test("what a marked file said is known again, whatever its place in the call", async () => {
    const rule: PrivacyRule = { id: "customers", sensitive: ["./customers"], action: "redact" };
    const { post, far, fingerprints } = await guarded([rule]);
    const row = "Ada Lovelace, 12 St James's Square, London, account 77-1815";
    await post(row);
    await fingerprints.add(`${row}\n`, fingerprints.bitOf(["./customers"]) as number);
    await post(`the file says:\n     1\t${row}\nwhat next?`);
    await post([{ type: "text", text: JSON.stringify({ output: `head\n${row}` }) }]);
    const said = far.requests.map(({ body }) => body.messages[0].content);
    expect(said[0]).toBe(row);
    expect(said[1]).toBe("the file says:\n[redacted: customers]\nwhat next?");
    expect(JSON.stringify(said[2])).not.toContain("Lovelace");
  });

  test("another policy has other rules, for calls that come later", async () => {
    const { post, setPolicy, far, asked } = await guarded([]);
    await post(SECRET);
    setPolicy({
      routes: [{ models: ["gpt-*"], provider: "far" }],
      providers: { far: { kind: "openai", baseUrl: `${far.url}/v1`, local: false } },
      privacy: [{ patterns: ["emails"], action: "deny" }],
    });
    expect([(await post(SECRET))[0], asked()]).toEqual([403, [1, 0, 0]]);
  });
});
