/**
 * Where the router finds the key of a provider.
 */
import { describe, expect, test } from "vitest";
import type { CredentialSource } from "../../src/credentials/mod.ts";
import { CredentialStore } from "../../src/credentials/mod.ts";
import { planInference } from "../../src/domains/inference/mod.ts";
import { type CredentialRule, type InferenceProvider, normalizePolicy } from "../../src/policy/mod.ts";
import { credentialOf, findKey } from "../../src/sandbox/inference/keys.ts";
import { normalized, secret, storeWith } from "../credentials/support.ts";
import { MESSAGE_TEXT, MESSAGE_WHOLE } from "./fixtures.ts";
import { either } from "./model-server.ts";
import { bench, MESSAGE, section, serve } from "./support.ts";

function providerOf(provider: string, own?: InferenceProvider) {
  const providers = own === undefined ? {} : { [provider]: own };
  const inference = { routes: [{ models: ["m"], provider }], providers };
  const names = own?.credential === undefined ? [] : [{ name: own.credential, hosts: ["api.test"] }];
  const plan = planInference(normalizePolicy({ version: 1, inference, credentials: names }));
  const found = plan.kind === "routes" ? plan.routes[0]?.targets[0]?.provider : undefined;
  if (found === undefined) throw new Error("no route");
  return found;
}

async function find(
  provider: ReturnType<typeof providerOf>,
  sources: Readonly<Record<string, CredentialSource>>,
  rules: readonly CredentialRule[],
  keyFor?: (name: string) => string | undefined,
) {
  const problems: string[] = [];
  const credentials = await storeWith(sources, ...rules);
  const key = await findKey(provider, { keyFor, credentials, problem: ({ message }) => problems.push(message) });
  return { key, problems };
}

describe("findKey()", () => {
  test("takes a credential of the provider's own host, a new value with each call", async () => {
    const values = [secret(), secret(), secret()];
    const given = [...values];
    const credentials = await storeWith({ claude: () => given.shift() }, { provider: "claude" });
    const setting = { keyFor: undefined, credentials, problem: () => undefined };
    expect(await findKey(providerOf("anthropic"), setting)).toBe(values[1]);
    expect(await findKey(providerOf("anthropic"), setting)).toBe(values[2]);
    expect(credentialOf(providerOf("openai"), credentials)).toBeUndefined();
  });

  test("gives it to nobody else: neither another host, nor one that the policy does not bind it to", async () => {
    const real = secret();
    const url = "http://127.0.0.1:8000";
    const sources = { claude: () => real };
    const elsewhere = providerOf("house", { kind: "anthropic", baseUrl: url });
    expect(await find(elsewhere, sources, [{ provider: "claude" }])).toEqual({ key: undefined, problems: [] });
    const rebound: CredentialRule = { provider: "claude", hosts: ["proxy.acme.example"] };
    expect((await find(providerOf("anthropic"), sources, [rebound])).key).not.toBe(real);
    const named = providerOf("house", { kind: "anthropic", baseUrl: url, credential: "claude" });
    expect((await find(named, sources, [{ provider: "claude" }])).key).toBe(real);
    expect((await find(named, sources, [{ provider: "claude", expose: "env" }])).key).toBe(real);
  });

  test("keyFor comes first, and what fails is told without the key", async () => {
    const sources = { claude: () => secret() };
    const asked = await find(providerOf("anthropic"), sources, [{ provider: "claude" }], (name) => `key-of-${name}`);
    expect(asked.key).toBe("key-of-anthropic");
    const failing = await find(providerOf("anthropic"), sources, [], () => {
      throw new Error("sk-ant-in-the-error");
    });
    expect(failing).toEqual({ key: undefined, problems: [expect.not.stringContaining("sk-ant")] });
    const named = providerOf("house", { kind: "openai", baseUrl: "http://127.0.0.1:1", credential: "GONE" });
    expect((await find(named, {}, [])).problems).toEqual([expect.stringMatching(/none of that name/)]);
  });

  test("is told in advance of a credential that the policy does not have, and of two places for one key", () => {
    const house = { kind: "openai", baseUrl: "http://127.0.0.1:1", credential: "GONE" } as const;
    const inference = { routes: [{ models: ["m"], provider: "house" }], providers: { house } };
    expect(() => planInference(normalizePolicy({ version: 1, inference }))).toThrow(/has no credential "GONE"/);
    const both = { ...inference, providers: { house: { ...house, keyVariable: "KEY" } } };
    expect(() => normalizePolicy({ version: 1, inference: both })).toThrow(/give one/);
  });

  test("a subscription's token goes as one: in its own header, and the API is told", async () => {
    const claude = await serve(either(MESSAGE_WHOLE, MESSAGE_TEXT));
    const token = secret("sk-ant-oat01-");
    const { anthropic } = bench(section({ claude }), { keyFor: async () => token });
    await anthropic.messages.create(MESSAGE, { headers: { "anthropic-beta": "a-2" } });
    await anthropic.messages.create(MESSAGE, { headers: { "anthropic-beta": "oauth-2025-04-20,b" } });
    expect(claude.requests.map(({ headers }) => [headers.authorization, headers["x-api-key"]])).toEqual(
      Array(2).fill([`Bearer ${token}`, undefined]),
    );
    const betas = claude.requests.map(({ headers }) => headers["anthropic-beta"]);
    expect(betas).toEqual(["a-2,oauth-2025-04-20", "oauth-2025-04-20,b"]);
  });

  test("what a provider refuses is read again, where it was kept", async () => {
    let value = secret();
    const credentials = new CredentialStore({ sources: { openai: () => ({ value }) }, environment: {} });
    credentials.use(await credentials.prepare(normalized({ provider: "openai" })));
    const setting = { keyFor: undefined, credentials, problem: () => undefined };
    const first = await findKey(providerOf("openai"), setting);
    value = secret();
    expect(await findKey(providerOf("openai"), setting)).toBe(first);
    credentials.refused("openai");
    expect(await findKey(providerOf("openai"), setting)).toBe(value);
  });
});
