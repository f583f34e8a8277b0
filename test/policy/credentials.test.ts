import { describe, expect, test } from "vitest";
import { hostsMayMeet } from "../../src/policy/credentials/hosts-meet.ts";
import { CREDENTIAL_PROFILES, type CredentialRule, type NetworkRule } from "../../src/policy/mod.ts";
import { issuesOf, normalized } from "./helpers.ts";

const issues = (...credentials: readonly unknown[]) => issuesOf({ version: 1, credentials });
const one = (rule: CredentialRule) => normalized({ credentials: [rule] }).credentials[0];

describe("credentials of a policy", () => {
  test("have every default made explicit", () => {
    expect(one({ name: "TOKEN", hosts: ["API.a.b"] })).toEqual({
      id: "credentials:TOKEN",
      name: "TOKEN",
      variable: "TOKEN",
      optional: false,
      expose: "sealed",
      hosts: ["api.a.b"],
      ports: [443],
      places: { headers: ["authorization"], query: [], basic: true },
      plaintext: false,
    });
    expect(one({ provider: "gemini" })).toEqual({
      id: "credentials:gemini",
      name: "gemini",
      provider: "gemini",
      optional: false,
      expose: "sealed",
      hosts: ["generativelanguage.googleapis.com"],
      ports: [443],
      places: { headers: ["x-goog-api-key", "authorization"], query: ["key"], basic: false },
      plaintext: false,
    });
    expect(one({ provider: "github", name: "BOT", variable: "GH", places: { headers: ["X-A"] } })).toMatchObject({
      name: "BOT",
      variable: "GH",
      hosts: CREDENTIAL_PROFILES.github.hosts,
      places: { headers: ["x-a"], query: [], basic: false },
    });
    expect(one({ name: "TOKEN", expose: "env" })).toEqual({
      id: "credentials:TOKEN",
      name: "TOKEN",
      variable: "TOKEN",
      optional: false,
      expose: "env",
    });
  });

  test.each<[string, readonly unknown[], RegExp]>([
    ["neither name nor provider", [{ hosts: ["a.b"] }], /^credentials\[0\]: expected "provider" or "name"/],
    ["no hosts", [{ name: "A" }], /expected "hosts"/],
    ["a provider without hosts", [{ provider: "npm" }], /expected "hosts".*"npm" has none of its own/],
    ["a provider that nobody knows", [{ provider: "x" }], /credentials\[0\].provider/],
    ["any host at all", [{ name: "A", hosts: ["**"] }], /credentials\[0\].hosts\[0\]: cannot bind a secret/],
    ["a top-level domain", [{ name: "A", hosts: ["*.com"] }], /cannot bind a secret to "\*.com"/],
    ["no place", [{ name: "A", hosts: ["a.b"], places: { basic: false } }], /expected "headers", "query"/],
    ["a header that is none", [{ name: "A", hosts: ["a.b"], places: { headers: ["a b"] } }], /name of an HTTP header/],
    ["hosts of what is exposed", [{ name: "A", expose: "env", hosts: ["a.b"] }], /credentials\[0\].hosts: nothing/],
    ["one name twice", [{ provider: "github" }, { name: "github", hosts: ["a.b"] }], /name "github" is taken/],
    [
      "one variable twice",
      [
        { name: "A", hosts: ["a.b"] },
        { provider: "npm", hosts: ["a.b"], variable: "A" },
      ],
      /variable "A" is taken/,
    ],
  ])("are refused with %s", (_, credentials, issue) => {
    expect(issues(...credentials)).toEqual([expect.stringMatching(issue)]);
  });

  test("cannot be sealed for a host whose TLS is passed through", () => {
    const with_ =
      (rule: NetworkRule, credential: CredentialRule = { name: "A", hosts: ["*.a.b"] }) =>
      () =>
        issuesOf({ version: 1, network: { allow: [rule] }, credentials: [credential] });
    const passthrough = { host: "x.a.b", tls: "passthrough" } as const;
    expect(with_(passthrough)()).toEqual([
      expect.stringMatching(/^credentials\[0\]: it cannot be sealed for "\*.a.b"/),
    ]);
    expect(with_({ ...passthrough, host: "**" })()).toHaveLength(1);
    expect(with_({ ...passthrough, ports: "all" })()).toHaveLength(1);
    for (const fine of [{ ...passthrough, ports: [22] }, { ...passthrough, host: "a.b" }, { host: "x.a.b" }]) {
      expect(() =>
        normalized({ network: { allow: [fine] }, credentials: [{ name: "A", hosts: ["*.a.b"] }] }),
      ).not.toThrow();
    }
    expect(() =>
      normalized({ network: { allow: [passthrough] }, credentials: [{ name: "A", expose: "env" }] }),
    ).not.toThrow();
  });
});

describe("hostsMayMeet()", () => {
  test.each([
    ["a.b", "a.b", true],
    ["a.b", "x.a.b", false],
    ["*.a.b", "x.a.b", true],
    ["*.a.b", "a.b", false],
    ["*.a.b", "x.y.a.b", false],
    ["**.a.b", "x.y.a.b", true],
    ["**", "x", true],
    ["api-*.a.b", "*-x.a.b", true],
    ["api-*.a.b", "web.a.b", false],
    ["**.a.b", "x.**", true],
    ["**.a.b", "x.**.c", false],
  ])("%s and %s: %s", (a, b, meet) => {
    expect([hostsMayMeet(a, b), hostsMayMeet(b, a)]).toEqual([meet, meet]);
  });
});
