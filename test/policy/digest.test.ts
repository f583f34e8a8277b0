import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/policy/digest.ts";
import { normalizePolicy, type Policy, parsePolicy, policyDigest } from "../../src/policy/mod.ts";
import { FULL_POLICY, FULL_YAML } from "./helpers.ts";

const digest = (input: string | Policy): string => policyDigest(normalizePolicy(parsePolicy(input)));

describe("policyDigest()", () => {
  test("is a SHA-256, and the same for the YAML, JSON and TypeScript forms of one policy", () => {
    expect(digest(FULL_YAML)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digest(FULL_POLICY)).toBe(digest(FULL_YAML));
    expect(digest(JSON.stringify(FULL_POLICY))).toBe(digest(FULL_YAML));
  });

  test("does not depend on the order of keys, on spelling or on defaults that are written out", () => {
    const short: Policy = { version: 1, filesystem: { read: ["src"] }, process: { limits: { timeout: "1m" } } };
    const long: Policy = {
      process: { unmatched: "deny", limits: { mode: "enforce", timeoutMs: 60_000 } },
      audit: { files: "denials" },
      filesystem: { unmatched: "deny", read: [{ optional: false, path: "./src/**" }], baseline: true },
      version: 1,
    };
    expect(digest(long)).toBe(digest(short));
  });

  test("changes with every change of meaning", () => {
    const variants: Policy[] = [
      { version: 1 },
      { version: 1, name: "x" },
      { version: 1, filesystem: { baseline: false } },
      { version: 1, filesystem: { read: ["a"] } },
      { version: 1, filesystem: { read: ["/a"] } },
      { version: 1, filesystem: { read: ["~/a"] } },
      { version: 1, filesystem: { write: ["a"] } },
      { version: 1, filesystem: { deny: ["a"] } },
      { version: 1, filesystem: { ask: ["a"] } },
      { version: 1, filesystem: { read: [{ path: "a", optional: true }] } },
      { version: 1, filesystem: { read: [{ path: "a", id: "b" }] } },
      { version: 1, filesystem: { read: [{ path: "a", defer: "hook" }] } },
      { version: 1, filesystem: { unmatched: "ask" } },
      { version: 1, process: { allow: [] } },
      { version: 1, process: { allow: ["git"] } },
      { version: 1, process: { allow: [{ binary: "git", args: [] }] } },
      { version: 1, process: { limits: { pids: 1 } } },
      { version: 1, process: { limits: { mode: "best-effort" } } },
      { version: 1, network: { allow: [{ host: "a.b" }] } },
      { version: 1, network: { allow: [{ host: "a.b", ports: "all" }] } },
      { version: 1, network: { allow: [{ host: "a.b", http: { access: "read-only" } }] } },
      { version: 1, network: { privateRanges: ["10.0.0.0/8"] } },
      { version: 1, inference: { budget: { tokens: 1 } } },
      { version: 1, credentials: [{ name: "A", hosts: ["a.b"] }] },
      { version: 1, audit: { files: "all" } },
    ];
    expect(new Set(variants.map(digest)).size).toBe(variants.length);
  });
});

test("canonicalJson() sorts keys by code unit at every depth and leaves out what is undefined", () => {
  expect(canonicalJson({ b: [{ d: 1, c: undefined, a: null }], é: "é", B: true })).toBe(
    '{"B":true,"b":[{"a":null,"d":1}],"é":"é"}',
  );
});
