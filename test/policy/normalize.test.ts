import { describe, expect, test } from "vitest";
import { BASELINE, normalizePolicy, type Policy, parsePolicy } from "../../src/policy/mod.ts";
import { FULL_POLICY, FULL_YAML, failure, normalized } from "./helpers.ts";

describe("normalizePolicy()", () => {
  test("makes every default explicit", () => {
    expect(normalizePolicy({ version: 1 })).toEqual({
      version: 1,
      filesystem: { baseline: BASELINE, read: [], write: [], deny: [], ask: [], unmatched: "deny" },
      process: { allow: "readable", deny: [], ask: [], limits: { mode: "enforce" }, unmatched: "deny" },
      network: { allow: [], deny: [], ask: [], unmatched: "deny", privateRanges: [] },
      inference: { routes: [], intercept: [], budget: {}, unmatched: "deny" },
      credentials: [],
      audit: { files: "denials" },
    });
  });

  test("gives YAML and TypeScript forms the same meaning", () => {
    expect(normalizePolicy(parsePolicy(FULL_YAML))).toEqual(normalizePolicy(FULL_POLICY));
  });

  test("tells a list that allows nothing from a list that is missing", () => {
    expect(normalized({ process: { allow: [] } }).process.allow).toEqual([]);
    expect(normalized({ process: {} }).process.allow).toBe("readable");
  });

  test("turns the baseline off", () => {
    expect(normalized({ filesystem: { baseline: false } }).filesystem.baseline).toEqual([]);
  });

  test("resolves units", () => {
    const { limits } = normalized({ process: { limits: { memory: "512MiB", timeout: "250ms" } } }).process;
    expect(limits).toEqual({ memoryBytes: 536_870_912, timeoutMs: 250, mode: "enforce" });
  });

  test("names every rule after what it says", () => {
    const policy = normalizePolicy(FULL_POLICY);
    const { filesystem, process, network, inference, credentials } = policy;
    const lists = [filesystem.read, filesystem.write, filesystem.deny, filesystem.ask, process.deny, network.allow];
    expect([...lists, inference.routes, credentials].flat().map(({ id }) => id)).toEqual([
      "filesystem.read:./src",
      "filesystem.read:./docs",
      "filesystem.write:./docs",
      "filesystem.deny:./**/.env",
      "filesystem.deny:./docs/legal",
      "filesystem.ask:./CHANGELOG.md",
      "process.deny:git push **",
      "github-read",
      "network.allow:*.example.com:443",
      "inference.routes:claude-*",
      "inference.routes:local/*",
      "credentials:GITHUB_TOKEN",
    ]);
  });

  test("keeps the order and length of lists, and tells rules that say the same apart", () => {
    const read = ["src", { id: "mine", path: "./src" }, "./src/", { path: "src/**", optional: true }];
    expect(normalized({ filesystem: { read } }).filesystem.read).toEqual([
      { id: "filesystem.read:./src", path: "./src", optional: false },
      { id: "mine", path: "./src", optional: false },
      { id: "filesystem.read:./src#2", path: "./src", optional: false },
      { id: "filesystem.read:./src#3", path: "./src", optional: true },
    ]);
  });

  test("gives allowances port 443 and denials every port", () => {
    const { network } = normalized({ network: { allow: [{ host: "A.b" }], deny: [{ host: "c.d" }] } });
    expect(network.allow[0]).toEqual({
      id: "network.allow:a.b:443",
      host: "a.b",
      ports: [443],
      binaries: "any",
      tls: "auto",
      addresses: [],
      enforcement: "enforce",
    });
    expect(network.deny[0]).toEqual({ id: "network.deny:c.d:*", host: "c.d", ports: "all", binaries: "any" });
  });

  test("sorts ports and lowers hosts and hashes", () => {
    const policy = normalized({
      network: { allow: [{ host: "API.Example.com", ports: [8443, 443, 443] }] },
      process: { allow: [{ binary: "git", sha256: "AB".repeat(32) }] },
    });
    expect(policy.network.allow[0]).toMatchObject({ host: "api.example.com", ports: [443, 8443] });
    expect(policy.process.allow[0]).toMatchObject({ sha256: "ab".repeat(32) });
  });

  test("freezes what it returns", () => {
    const policy = normalizePolicy(FULL_POLICY);
    expect(Object.isFrozen(policy) && Object.isFrozen(policy.filesystem.read[0])).toBe(true);
  });

  test("checks a policy that nobody checked", () => {
    const policy = { version: 1, filesystem: { reed: ["."] } } as Policy;
    failure("POLICY_INVALID", () => normalizePolicy(policy));
  });

  test("does not take a normalized policy for a policy", () => {
    const policy: unknown = normalizePolicy(FULL_POLICY);
    failure("POLICY_INVALID", () => normalizePolicy(policy as Policy));
  });
});

describe("BASELINE", () => {
  test("is sound: unique ids named after absolute paths or the home, all optional", () => {
    expect(new Set(BASELINE.map(({ id }) => id)).size).toBe(BASELINE.length);
    for (const { id, path, optional } of BASELINE) {
      expect(id).toBe(`baseline:${path}`);
      expect(path).toMatch(/^(?:~|\/[a-z0-9_./-]+[a-z0-9.])$/i);
      expect(optional).toBe(true);
    }
  });

  test("writes only scratch space", () => {
    expect(BASELINE.filter(({ access }) => access === "write").map(({ path }) => path)).toEqual([
      "/tmp",
      "/var/tmp",
      "/dev/shm",
      "~",
    ]);
  });

  test.each(["/", "/etc", "/etc/shadow", "/etc/ssl", "/etc/ssl/private", "/etc/ssl/private/key.pem", "/etc/pki"])(
    "does not give away %s",
    (secret) => {
      expect(BASELINE.filter(({ path }) => path === secret || secret.startsWith(`${path}/`))).toEqual([]);
    },
  );

  test.each([
    "/root",
    "/home",
    "/opt",
    "/var",
    "/run",
    "/dev/kmsg",
    "/dev/mem",
    "/sys/kernel",
    "/workspace",
    "/.cofferdam",
  ])("grants nothing in or around %s", (place) => {
    const scratch = ["/var/tmp"];
    const met = BASELINE.filter(({ path }) => {
      return path === place || place.startsWith(`${path}/`) || path.startsWith(`${place}/`);
    });
    expect(met.map(({ path }) => path).filter((path) => !scratch.includes(path))).toEqual([]);
  });
});
