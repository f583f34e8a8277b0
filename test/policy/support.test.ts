import { describe, expect, test } from "vitest";
import { assertEnforceable, normalizePolicy, type Policy, parsePolicy } from "../../src/policy/mod.ts";
import { failure, normalized } from "./helpers.ts";

const refused = (policy: Omit<Policy, "version">): string[] => {
  const error = failure("POLICY_UNSUPPORTED", () => assertEnforceable(normalized(policy)));
  return error.details.issues.map(({ path }) => path);
};

const HTTP = { access: "full" } as const;

describe("assertEnforceable()", () => {
  test.each<[string, Omit<Policy, "version">]>([
    ["nothing at all", {}],
    ["globs of files", { filesystem: { read: ["./*.md"], write: ["./a/**/b"] } }],
    ["denials inside grants", { filesystem: { write: ["."], deny: ["**/.env", "/usr/bin/curl"] } }],
    ["files that ask", { filesystem: { ask: ["a"], unmatched: "ask" } }],
    ["files that a hook decides", { filesystem: { read: [{ path: "a", defer: "hook" }] } }],
    ["programs that are allowed", { process: { allow: ["git", { binary: "gh", sha256: "ab".repeat(32) }] } }],
    ["no programs at all", { process: { allow: [] } }],
    ["programs that are denied", { process: { deny: [{ binary: "git", args: ["push", "**"] }] } }],
    ["programs that ask", { process: { ask: ["git", { binary: "gh", defer: "hook" }], unmatched: "ask" } }],
    ["limits", { process: { limits: { memory: "1GiB", cpus: 2, pids: 64, timeout: "1m", mode: "best-effort" } } }],
    ["audit of denials", { audit: { files: "denials" } }],
    ["audit of all", { audit: { files: "all" } }],
    ["empty sections", { network: { allow: [] }, inference: { routes: [] }, credentials: [], process: {}, audit: {} }],
    [
      "hosts",
      { network: { allow: [{ host: "a.b" }], deny: [{ host: "a.c" }], ask: [{ host: "a.d" }], unmatched: "ask" } },
    ],
    ["TLS that is passed through", { network: { allow: [{ host: "a.b", tls: "passthrough" }] } }],
    [
      "rules on HTTP",
      { network: { allow: [{ host: "a.b", http: HTTP }], deny: [{ host: "a.b", http: { rules: [{}] } }] } },
    ],
    ["credentials", { credentials: [{ name: "A", hosts: ["a.b"] }, { provider: "github" }] }],
    ["TLS that is opened", { network: { allow: [{ host: "a.b", tls: "terminate" }] } }],
    ["addresses and ranges", { network: { allow: [{ host: "[2001:db8::1]" }], deny: [{ host: "10.0.0.0/8" }] } }],
    [
      "routes to models",
      { inference: { routes: [{ models: ["*"], provider: "x" }], intercept: ["a.b"], budget: { tokens: 5 } } },
    ],
    ["defaults written out", { network: { unmatched: "deny" }, inference: { unmatched: "deny" } }],
  ])("takes %s", (_, policy) => {
    expect(() => assertEnforceable(normalized(policy))).not.toThrow();
  });

  test.each<[string, Omit<Policy, "version">, string[]]>([
    ["unmatched models that ask", { inference: { unmatched: "ask" } }, ["inference.unmatched"]],
  ])("refuses %s", (_, policy, paths) => {
    expect(refused(policy)).toEqual(paths);
  });

  test("names every issue with line and column, and what to leave out", () => {
    const text = "version: 1\ninference:\n  routes: []\n  unmatched: ask\n";
    const policy = normalizePolicy(parsePolicy(text, { source: "some.yaml" }));
    const error = failure("POLICY_UNSUPPORTED", () => assertEnforceable(policy));
    expect(error.details.source).toBe("some.yaml");
    expect(error.message).toContain("Cannot enforce the policy some.yaml: 1 issue");
    expect(error.message).toContain("some.yaml:4:14 inference.unmatched: a call that no route takes");
    expect(error.hint).toBe(
      "Leave out inference.unmatched: this version enforces filesystem, process, network, inference, credentials and audit",
    );
  });

  test("looks only at the sections that it is asked for", () => {
    const policy = normalized({ inference: { unmatched: "ask" } });
    expect(() => assertEnforceable(policy, { sections: [] })).not.toThrow();
  });
});
