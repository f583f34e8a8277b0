import { describe, expect, test } from "vitest";
import { assertEnforceable, normalizePolicy, type Policy, parsePolicy } from "../../src/policy/mod.ts";
import { FULL_YAML, failure, normalized } from "./helpers.ts";

const refused = (policy: Omit<Policy, "version">): string[] => {
  const error = failure("POLICY_UNSUPPORTED", () => assertEnforceable(normalized(policy)));
  return error.details.issues.map(({ path }) => path);
};

describe("assertEnforceable()", () => {
  test.each<[string, Omit<Policy, "version">]>([
    ["nothing at all", {}],
    ["files and directories", { filesystem: { read: [".", "/opt/tool"], write: ["./docs", "~/.cache"] } }],
    ["a write inside a read", { filesystem: { read: ["."], write: ["./docs/**"] } }],
    ["a read inside a write", { filesystem: { write: ["."], read: ["./docs"] } }],
    ["optional paths", { filesystem: { read: [{ path: "/opt/tool", optional: true }] } }],
    ["a literal name with stars", { filesystem: { read: ["./a\\*b"] } }],
    ["no baseline", { filesystem: { baseline: false, read: ["/usr"] } }],
    [
      "a denial of what nothing grants",
      { filesystem: { read: ["./src"], deny: ["./secrets", "/etc/shadow", "/root/**"] } },
    ],
    ["a glob denial where nothing is granted", { filesystem: { read: ["./src"], deny: ["./keys/**/*.pem"] } }],
    ["limits", { process: { limits: { memory: "1GiB", cpus: 2, pids: 64, timeout: "1m", mode: "best-effort" } } }],
    ["empty sections", { network: { allow: [] }, inference: { routes: [] }, credentials: [], process: {}, audit: {} }],
    ["defaults written out", { network: { unmatched: "deny" }, audit: { files: "off" } }],
  ])("takes %s", (_, policy) => {
    expect(() => assertEnforceable(normalized(policy))).not.toThrow();
  });

  test.each<[string, Omit<Policy, "version">, string[]]>([
    ["a glob of files", { filesystem: { read: ["./src", "./*.md"] } }, ["filesystem.read[1]"]],
    ["a glob in the middle", { filesystem: { write: ["./a/**/b"] } }, ["filesystem.write[0]"]],
    ["a grant that defers", { filesystem: { read: [{ path: "a", defer: "hook" }] } }, ["filesystem.read[0]"]],
    ["ask on files", { filesystem: { ask: ["a"] } }, ["filesystem.ask[0]"]],
    ["unmatched files that ask", { filesystem: { unmatched: "ask" } }, ["filesystem.unmatched"]],
    [
      "a denial inside a grant",
      { filesystem: { write: ["."], deny: ["x", ".env"] } },
      ["filesystem.deny[0]", "filesystem.deny[1]"],
    ],
    ["a denial of a grant", { filesystem: { read: ["a"], deny: ["./a/"] } }, ["filesystem.deny[0]"]],
    ["a denial around a grant", { filesystem: { read: ["a/b"], deny: ["a"] } }, ["filesystem.deny[0]"]],
    ["a glob denial inside a grant", { filesystem: { read: ["."], deny: ["**/.env"] } }, ["filesystem.deny[0]"]],
    [
      "a glob denial that may reach a grant",
      { filesystem: { read: ["./a/b"], deny: ["*/b"] } },
      ["filesystem.deny[0]"],
    ],
    ["a denial inside the baseline", { filesystem: { deny: ["/usr/bin/curl"] } }, ["filesystem.deny[0]"]],
    ["a denial around the baseline", { filesystem: { deny: ["/etc"] } }, ["filesystem.deny[0]"]],
    ["a denial in the home", { filesystem: { deny: ["~/.ssh"] } }, ["filesystem.deny[0]"]],
    [
      "a denial of the workspace by its absolute name",
      { filesystem: { read: ["."], deny: ["/workspace/x"] } },
      ["filesystem.deny[0]"],
    ],
    [
      "a denial by another name of a grant",
      { filesystem: { baseline: false, read: ["/usr"], deny: ["/bin/sh"] } },
      ["filesystem.deny[0]"],
    ],
    [
      "a denial behind /var/run",
      { filesystem: { read: ["/run"], deny: ["/var/run/secrets"] } },
      ["filesystem.deny[0]"],
    ],
    ["a denial below the root", { filesystem: { read: ["/"], deny: ["/root"] } }, ["filesystem.deny[0]"]],
    ["programs that are allowed", { process: { allow: ["git"] } }, ["process.allow"]],
    ["no programs at all", { process: { allow: [] } }, ["process.allow"]],
    ["programs that are denied", { process: { deny: ["git", "curl"] } }, ["process.deny[0]", "process.deny[1]"]],
    ["programs that ask", { process: { ask: ["git"] } }, ["process.ask[0]"]],
    ["unmatched programs that ask", { process: { unmatched: "ask" } }, ["process.unmatched"]],
    ["hosts that are allowed", { network: { allow: [{ host: "a.b" }] } }, ["network.allow[0]"]],
    ["hosts that are denied", { network: { deny: [{ host: "a.b" }] } }, ["network.deny[0]"]],
    ["hosts that ask", { network: { ask: [{ host: "a.b" }] } }, ["network.ask[0]"]],
    ["unmatched hosts that ask", { network: { unmatched: "ask" } }, ["network.unmatched"]],
    ["routes", { inference: { routes: [{ models: ["*"], provider: "x" }] } }, ["inference.routes[0]"]],
    ["interception", { inference: { intercept: ["a.b"] } }, ["inference.intercept[0]"]],
    ["a budget", { inference: { budget: { tokens: 5, usd: 1 } } }, ["inference.budget.tokens", "inference.budget.usd"]],
    ["unmatched models that ask", { inference: { unmatched: "ask" } }, ["inference.unmatched"]],
    ["credentials", { credentials: [{ name: "A", hosts: ["a.b"] }] }, ["credentials[0]"]],
    ["audit of denials", { audit: { files: "denials" } }, ["audit.files"]],
    ["audit of all", { audit: { files: "all" } }, ["audit.files"]],
  ])("refuses %s", (_, policy, paths) => {
    expect(refused(policy)).toEqual(paths);
  });

  test("names every issue with line and column, and what to leave out", () => {
    const policy = normalizePolicy(parsePolicy(FULL_YAML, { source: "full.yaml" }));
    const error = failure("POLICY_UNSUPPORTED", () => assertEnforceable(policy));
    expect(error.details.source).toBe("full.yaml");
    expect(error.details.issues).toHaveLength(15);
    expect(error.message).toContain("Cannot enforce the policy full.yaml: 15 issues");
    expect(error.message).toContain(
      'full.yaml:6:21 filesystem.deny[1]: "./docs/legal" lies in or around what filesystem.read:./docs grants',
    );
    expect(error.hint).toBe(
      "Leave out filesystem.deny, filesystem.ask, process.allow, process.deny, network.allow, inference.routes, inference.intercept, inference.budget, credentials, audit.files: this version enforces filesystem.read and write of whole files and directories, and process.limits",
    );
  });

  test("looks only at the sections that it is asked for", () => {
    const policy = normalized({ network: { allow: [{ host: "a.b" }] } });
    expect(() => assertEnforceable(policy, { sections: ["filesystem", "process"] })).not.toThrow();
  });

  test("judges denials where the workspace really is", () => {
    const policy = normalized({ filesystem: { read: ["."], deny: ["/srv/project/keys"] } });
    const places = { workspace: "/srv/project", home: "/home/agent" };
    expect(() => assertEnforceable(policy)).not.toThrow();
    failure("POLICY_UNSUPPORTED", () => assertEnforceable(policy, { places }));
  });
});
