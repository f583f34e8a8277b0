import { describe, expect, test } from "vitest";
import { type Policy, parsePolicy } from "../../src/policy/mod.ts";
import { FULL_POLICY, FULL_YAML, failure, issuesOf, placesOf } from "./helpers.ts";

describe("parsePolicy()", () => {
  test("reads every feature of the design from YAML", () => {
    const policy = parsePolicy(FULL_YAML);
    expect(policy.filesystem).toEqual(FULL_POLICY.filesystem);
    expect(policy.process?.limits).toEqual({ memory: "1GiB", cpus: 2, pids: 256, timeout: "10m" });
    expect(policy.inference).toEqual(FULL_POLICY.inference);
  });

  test("takes the same from TypeScript, as a frozen copy", () => {
    const policy = parsePolicy(FULL_POLICY);
    expect(policy).toEqual(FULL_POLICY);
    expect(policy).not.toBe(FULL_POLICY);
    expect(Object.isFrozen(policy.network?.allow?.[0]?.ports)).toBe(true);
  });

  test("reads JSON text, indented with tabs too", () => {
    expect(parsePolicy(JSON.stringify(FULL_POLICY, null, "\t"))).toEqual(FULL_POLICY);
  });

  test("returns what it returned before as it is", () => {
    const policy = parsePolicy(FULL_YAML);
    expect(parsePolicy(policy)).toBe(policy);
  });

  test("passes over keys whose value is undefined, as TypeScript means them", () => {
    const policy: unknown = { version: 1, name: undefined, filesystem: { read: ["."], write: undefined } };
    expect(parsePolicy(policy as Policy)).toStrictEqual({ version: 1, filesystem: { read: ["."] } });
  });

  test("is not changed by what its caller does to the input afterwards", () => {
    const read = ["./src"];
    const policy = parsePolicy({ version: 1, filesystem: { read } });
    read.push("/etc/shadow");
    expect(policy.filesystem?.read).toEqual(["./src"]);
  });

  test("points at the line of an unknown key", () => {
    const text = "version: 1\nfilesystem:\n  read: [.]\n  wriet: [./docs]\n";
    const error = failure("POLICY_INVALID", () => parsePolicy(text, { source: "agent.yaml" }));
    expect(error.details).toEqual({
      source: "agent.yaml",
      issues: [
        {
          path: "filesystem.wriet",
          message: 'unknown key "wriet": did you mean "write"?',
          line: 4,
          column: 3,
          nearest: "write",
        },
      ],
    });
    expect(error.message).toBe(
      'Cannot use the policy agent.yaml: 1 issue\n  agent.yaml:4:3 filesystem.wriet: unknown key "wriet": did you mean "write"?',
    );
    expect(error.hint).toBe('Write "write" instead of filesystem.wriet');
  });

  test("lists the known keys where none is near", () => {
    expect(issuesOf("version: 1\naudit: { zebra: 1 }")).toEqual([
      'audit.zebra: unknown key "zebra": known keys are files, inference',
    ]);
  });

  test.each([
    ["filesytem: {}", "filesytem", "filesystem"],
    ["process: { limits: { memroy: 1GiB } }", "process.limits.memroy", "memory"],
    ["filesystem: { read: [{ path: a, optionl: true }] }", "filesystem.read[0].optionl", "optional"],
    [
      "network: { allow: [{ host: a.b, http: { rules: [{ method: [GET] }] } }] }",
      "network.allow[0].http.rules[0].method",
      "methods",
    ],
    ["inference: { budget: { token: 1 } }", "inference.budget.token", "tokens"],
    ["credentials: [{ name: A, host: [a.b], hosts: [a.b] }]", "credentials[0].host", "hosts"],
    ["NETWORK: {}", "NETWORK", "network"],
  ])("knows the key nearest to that of %s", (line, path, nearest) => {
    const error = failure("POLICY_INVALID", () => parsePolicy(`version: 1\n${line}\n`));
    expect(error.details.issues.find((issue) => issue.path === path)?.nearest).toBe(nearest);
  });

  test("reports every issue at once, in the order of the text", () => {
    const text = `version: 2
filesytem: {}
filesystem:
  read:
    - 5
    - { pth: x }
    - ../x
  write: [/proc/x]
  unmatched: allow
  ask: hello
process:
  limits: { memory: 100, memoryBytes: 5, cpus: 0, pids: 1.5 }
network:
  allow:
    - { host: "https://x", http: { access: read-only, rules: [] } }
    - { host: a.b, ports: [0], tls: passthrough, http: {} }
`;
    expect(placesOf(text)).toEqual([
      "1:10 version",
      "2:1 filesytem",
      "5:7 filesystem.read[0]",
      "6:7 filesystem.read[1].path",
      "6:9 filesystem.read[1].pth",
      "7:7 filesystem.read[2]",
      "8:11 filesystem.write[0]",
      "9:14 filesystem.unmatched",
      "10:8 filesystem.ask",
      "12:21 process.limits.memory",
      "12:26 process.limits.memoryBytes",
      "12:48 process.limits.cpus",
      "12:57 process.limits.pids",
      "15:15 network.allow[0].host",
      "15:34 network.allow[0].http",
      "15:62 network.allow[0].http.rules",
      "16:28 network.allow[1].ports[0]",
      "16:37 network.allow[1].tls",
      "16:56 network.allow[1].http",
    ]);
  });

  test("points at the value behind an alias", () => {
    expect(placesOf("version: 1\nfilesystem:\n  read: &paths\n    - 5\n  write: *paths\n")).toEqual([
      "4:7 filesystem.read[0]",
      "4:7 filesystem.write[0]",
    ]);
  });

  test("points at the map that lacks a key", () => {
    expect(placesOf("# a comment\nname: x\n")).toEqual(["2:1 version"]);
  });

  test("lists twenty issues in the message and all in the details", () => {
    const text = `version: 1\nfilesystem: { read: [${"5, ".repeat(50)}] }`;
    const error = failure("POLICY_INVALID", () => parsePolicy(text));
    expect(error.details.issues).toHaveLength(50);
    expect(error.message).toContain("and 30 more");
    expect(error.message.split("\n")).toHaveLength(22);
  });

  test("says what was expected and what was found", () => {
    expect(issuesOf({ version: 1, filesystem: { read: [5], unmatched: "allow", ask: "x", baseline: 1 } })).toEqual([
      "filesystem.baseline: expected true or false, found 1",
      "filesystem.read[0]: expected a text or a map, found 5",
      'filesystem.ask: expected a list, found "x"',
      'filesystem.unmatched: expected "deny" or "ask", found "allow"',
    ]);
    expect(issuesOf("version: 1\nprocess: { limits: { memory: 100, timeout: 10 minutes } }")).toEqual([
      'process.limits.memory: expected a size with a unit, such as "512MiB" or "1GiB" (B, kB, MB, GB, KiB, MiB, GiB), found 100',
      'process.limits.timeout: cannot use "10 minutes": expected a duration with a unit, such as "30s" or "10m" (ms, s, m, h)',
    ]);
    expect(issuesOf({ version: 1, filesystem: { read: ["../x"] } })).toEqual([
      'filesystem.read[0]: cannot use "../x": a path must not contain ".."',
    ]);
  });

  test("takes no `**` for the name of a program, which would be less than it says", () => {
    const process = { allow: ["/**", "*", "**"], deny: [{ binary: "**" }], ask: ["./**"] };
    const message = 'cannot use "**": a name has no folders: "/**" is every program, and "*" those that PATH finds';
    expect(issuesOf({ version: 1, process })).toEqual([
      `process.allow[2]: ${message}`,
      `process.deny[0].binary: ${message}`,
    ]);
  });

  test("refuses an id that is given twice, wherever it is", () => {
    const policy = {
      version: 1,
      filesystem: { read: [{ id: "a", path: "x" }] },
      network: { deny: [{ id: "a", host: "b.c" }] },
    };
    expect(issuesOf(policy)).toEqual(['network.deny[0].id: id "a" is taken by filesystem.read[0].id']);
  });

  test("refuses an id that could meet a derived one", () => {
    expect(issuesOf({ version: 1, filesystem: { read: [{ id: "baseline:/usr", path: "x" }] } })).toHaveLength(1);
  });

  test.each([
    ["api.github.com", true],
    ["*.example.com", true],
    ["**.example.com", true],
    ["api-*.example.com", true],
    ["localhost", true],
    ["10.0.0.1", true],
    ["[2001:db8::1]", true],
    ["10.0.0.0/8", true],
    ["2001:db8::/32", true],
    ["10.1.0.0/8", false],
    ["10.0.0.0/33", false],
    ["::ffff:0:0/96", false],
    ["[::ffff:10.0.0.1]", false],
    ["10.0.0.0/8/8", false],
    ["_dmarc.example.com", true],
    ["", false],
    ["https://example.com", false],
    ["example.com/path", false],
    ["user@example.com", false],
    ["example.com:443", false],
    ["2001:db8::1", false],
    ["[10.0.0.1]", false],
    ["example.com.", false],
    ["exa mple.com", false],
    ["-a.com", false],
    ["a-.com", false],
    ["a**.com", false],
    ["bücher.example", false],
    ["2130706433", false],
    ["0x7f.0.0.1", false],
    ["127.1", false],
    ["1.2.3.256", false],
    [`${"a".repeat(64)}.com`, false],
    [`${"a.".repeat(130)}com`, false],
  ])("judges the host %s: %s", (host, sound) => {
    const policy: Policy = { version: 1, network: { allow: [{ host }] } };
    if (sound) expect(parsePolicy(policy).network?.allow?.[0]?.host).toBe(host);
    else expect(issuesOf(policy)).toHaveLength(1);
  });

  test.each([
    ["a list of 1025 paths", { filesystem: { read: Array(1025).fill("x") } }],
    ["a path of 4096 bytes", { filesystem: { read: ["x".repeat(4096)] } }],
    ["a long name", { name: "x".repeat(129) }],
    ["a port past 65535", { network: { allow: [{ host: "a.b", ports: [65_536] }] } }],
    ["no ports", { network: { allow: [{ host: "a.b", ports: [] }] } }],
    ["memory past 2^53", { process: { limits: { memoryBytes: 2 ** 53 } } }],
    ["infinite cpus", { process: { limits: { cpus: Number.POSITIVE_INFINITY } } }],
    ["no cpus", { process: { limits: { cpus: Number.NaN } } }],
    ["a negative time", { process: { limits: { timeoutMs: -1 } } }],
    ["a lower-case method", { network: { allow: [{ host: "a.b", http: { rules: [{ methods: ["get"] }] } }] } }],
    ["a relative URL path", { network: { allow: [{ host: "a.b", http: { rules: [{ paths: ["x"] }] } }] } }],
    [
      "a gRPC service that is a path",
      { network: { allow: [{ host: "a.b", http: { rules: [{ grpc: { service: "a/b" } }] } }] } },
    ],
    [
      "gRPC beside a method",
      { network: { allow: [{ host: "a.b", http: { rules: [{ grpc: { service: "a.B" }, methods: ["POST"] }] } }] } },
    ],
    [
      "gRPC beside paths, in a denial",
      { network: { deny: [{ host: "a.b", http: { rules: [{ grpc: { service: "a.B" }, paths: ["/x"] }] } }] } },
    ],
    ["a broken hash", { process: { allow: [{ binary: "x", sha256: "abc" }] } }],
    ["a denial that defers", { filesystem: { deny: [{ path: "x", defer: "hook" }] } }],
    ["access in a denial", { network: { deny: [{ host: "a.b", http: { access: "read-only" } }] } }],
    ["a credential name that is no variable", { credentials: [{ name: "a b", hosts: ["a.b"] }] }],
    ["a range that is none", { network: { privateRanges: ["10.0.0.0/33"] } }],
    ["the warden's directory", { filesystem: { read: ["/.cofferdam"] } }],
    ["writing the root", { filesystem: { write: ["/**"] } }],
  ])("refuses %s", (_, sections) => {
    expect(issuesOf({ version: 1, ...sections }).length).toBeGreaterThan(0);
  });

  test.each([
    ["null", null, "expected a map, found null"],
    ["a number", 5, "expected a map, found 5"],
    ["a list", [], "expected a map, found a list"],
    ["a Map", new Map(), "expected plain data, found an instance of Map"],
    ["a function", () => 1, "expected a map, found a function"],
  ])("refuses %s in place of a policy", (_, value, message) => {
    expect(issuesOf(value)).toEqual([`: ${message}`]);
  });

  test("refuses a policy that contains itself", () => {
    const policy: Record<string, unknown> = { version: 1 };
    policy.filesystem = policy;
    expect(issuesOf(policy)[0]).toContain("nests at most 32 levels");
  });

  test("refuses class instances inside", () => {
    expect(issuesOf({ version: 1, filesystem: new URL("file:///x") })).toEqual([
      "filesystem: expected plain data, found an instance of URL",
    ]);
  });

  test("refuses a file name in place of a text, and names loadPolicy()", () => {
    expect(issuesOf("agent.yaml")[0]).toContain("loadPolicy() reads one from a file");
  });
});
