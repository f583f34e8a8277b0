import { describe, expect, test } from "vitest";
import { planInference } from "../../../src/domains/inference/mod.ts";
import {
  compose,
  diffPolicies,
  type InferenceSection,
  normalizePolicy,
  type Policy,
  type PrivacyRule,
  parsePolicy,
  policyDigest,
  restrict,
} from "../../../src/policy/mod.ts";
import { failure } from "../helpers.ts";

const MAIL: PrivacyRule = { id: "mail", patterns: ["emails"], action: "redact" };
const FILES: PrivacyRule = { sensitive: ["./customers/", "/data"], action: "deny" };
const HOME: PrivacyRule = { patterns: [{ regex: "x+" }], action: "route", provider: "ollama", model: "small" };

const withRules = (privacy: readonly PrivacyRule[], rest: InferenceSection = {}): Policy => ({
  version: 1,
  inference: { ...rest, privacy },
});

describe("rules of privacy in a policy", () => {
  test("are read from YAML, named, and part of what a policy means", () => {
    const text = `
version: 1
inference:
  privacy:
    - { id: mail, patterns: [emails], action: redact }
    - { sensitive: [./customers/, /data], action: deny }
    - { patterns: [{ regex: "x+" }], action: route, provider: ollama, model: small }
`;
    const policy = normalizePolicy(parsePolicy(text));
    expect(policy.inference.privacy).toEqual([
      { id: "mail", patterns: ["emails"], action: "redact" },
      { id: "inference.privacy:./customers,/data", sensitive: ["./customers", "/data"], action: "deny" },
      {
        id: "inference.privacy:x+",
        patterns: [{ regex: "x+" }],
        action: "route",
        provider: "ollama",
        model: "small",
      },
    ]);
    expect(policyDigest(policy)).toBe(policyDigest(normalizePolicy(withRules([MAIL, FILES, HOME]))));
    expect(policyDigest(normalizePolicy(withRules([])))).toBe(policyDigest(normalizePolicy({ version: 1 })));
  });

  test.each<[object, RegExp]>([
    [{ action: "deny" }, /looks for nothing/],
    [{ patterns: ["emails"], action: "route" }, /needs a "provider"/],
    [{ patterns: ["emails"], action: "deny", provider: "x" }, /only the action route has a provider/],
    [{ patterns: ["mails"], action: "deny" }, /patterns/],
    [{ patterns: [], action: "deny" }, /patterns/],
    [{ patterns: [{ regex: "x".repeat(2000) }], action: "deny" }, /1024 characters/],
    [{ sensitive: ["../x"], action: "deny" }, /sensitive/],
    [{ patterns: ["emails"], action: "deny", locl: true }, /locl/],
  ])("%j is refused", (rule, words) => {
    const error = failure("POLICY_INVALID", () => parsePolicy(withRules([rule as PrivacyRule])));
    expect(error.message).toMatch(words);
  });

  test("lead to a provider that is local", () => {
    const plan = (provider: string, rest: InferenceSection = {}) =>
      planInference(
        normalizePolicy(
          withRules([{ ...HOME, provider }], { routes: [{ models: ["**"], provider: "ollama" }], ...rest }),
        ),
      );
    expect(plan("ollama")).toMatchObject({ privacy: [{ target: { provider: { name: "ollama" }, model: "small" } }] });
    const error = failure("POLICY_INVALID", () => plan("openai", { localOnly: true }));
    expect(error.details.issues).toMatchObject([
      { path: "inference.privacy[0].provider", message: expect.stringMatching(/"openai" is not/) },
    ]);
  });

  test("add up, are locked, and are compared", () => {
    const both = compose(withRules([MAIL]), withRules([MAIL, FILES]));
    expect(both.inference?.privacy).toEqual([MAIL, FILES]);
    const id = failure("POLICY_CONFLICT", () => compose(withRules([MAIL]), withRules([{ ...MAIL, action: "deny" }])));
    expect(id.message).toContain("the rule mail");
    const locked: Policy = { version: 1, name: "base", locked: ["inference"], inference: {} };
    expect(compose(locked, withRules([MAIL, FILES])).inference?.privacy).toHaveLength(2);
    expect(failure("POLICY_LOCKED", () => compose(locked, withRules([HOME]))).message).toMatch(/another provider/);

    const effects = (a: readonly PrivacyRule[], b: readonly PrivacyRule[]) =>
      diffPolicies(withRules(a), withRules(b)).changes.map(({ kind, path, effect }) => `${kind} ${path}: ${effect}`);
    expect(effects([MAIL], [MAIL, FILES])).toEqual(["added inference.privacy[1]: narrowing"]);
    expect(effects([MAIL, FILES], [MAIL])).toEqual(["removed inference.privacy[1]: widening"]);
    expect(effects([], [HOME])).toEqual(["added inference.privacy[0]: widening"]);
    expect(effects([MAIL], [{ ...MAIL, id: "post" }])).toEqual(["changed inference.privacy[0]: neutral"]);
    expect(effects([FILES, MAIL], [MAIL, FILES])).toEqual([]);
    const second = { ...HOME, patterns: ["keys"] } as PrivacyRule;
    expect(diffPolicies(withRules([HOME, second]), withRules([second, HOME])).effect).toBe("widening");
  });

  test("hold on both sides of a restriction", () => {
    const all = withRules([MAIL, FILES, HOME]);
    expect(restrict(all, all).inference?.privacy).toEqual([MAIL, FILES, HOME]);
    expect(diffPolicies(restrict(all, all), all).effect).toBe("neutral");
    const { provider: _, model: __, ...held } = HOME;
    expect(restrict(withRules([MAIL, HOME]), withRules([FILES])).inference?.privacy).toEqual([
      MAIL,
      { ...held, action: "deny" },
      FILES,
    ]);
    expect(restrict(withRules([MAIL]), withRules([{ ...MAIL, action: "deny" }])).inference?.privacy).toEqual([
      MAIL,
      { ...MAIL, id: "mail.2", action: "deny" },
    ]);
    const provider = { kind: "vllm", baseUrl: "http://127.0.0.1:1/v1" } as const;
    const own = withRules([{ ...HOME, provider: "own" }], { providers: { own: provider } });
    expect(restrict(own, own).inference).toEqual(own.inference);
    const other = withRules([{ ...HOME, provider: "own" }], { providers: { own: { kind: "ollama" } } });
    expect(restrict(own, other).inference?.privacy?.map(({ action }) => action)).toEqual(["deny"]);
  });
});
