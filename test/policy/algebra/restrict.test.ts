import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  compose,
  diffPolicies,
  explain,
  normalizePolicy,
  type Policy,
  parsePolicy,
  policyDigest,
  restrict,
} from "../../../src/policy/mod.ts";
import { FULL_POLICY, FULL_YAML, failure } from "../helpers.ts";

type Sections = Omit<Policy, "version">;

const restricted = (policy: Sections, cap: Sections): Sections => {
  const { version: _, ...sections } = restrict({ version: 1, ...policy }, { version: 1, ...cap });
  return sections;
};
const digest = (policy: Policy): string => policyDigest(normalizePolicy(policy));

describe("restrict()", () => {
  test("of a policy by itself lets the same happen", () => {
    const policy = restrict(FULL_YAML, FULL_POLICY);
    expect(diffPolicies(policy, FULL_POLICY)).toMatchObject({ effect: "neutral" });
    expect(diffPolicies(FULL_POLICY, policy)).toMatchObject({ effect: "neutral" });
    const text = stringify(policy);
    expect(digest(parsePolicy(text))).toBe(digest(policy));
  });

  test("leaves nothing of what the cap does not have", () => {
    expect(restricted({ filesystem: { write: ["."] }, network: { allow: [{ host: "a.b" }] } }, {})).toEqual({});
  });

  test.each<[string, Sections, Sections, Sections]>([
    [
      "a tree by a smaller one, and writing by reading",
      { filesystem: { write: ["."] } },
      { filesystem: { read: ["."], write: [{ id: "docs", path: "./docs" }] } },
      { filesystem: { read: ["."], write: [{ id: "docs", path: "./docs" }] } },
    ],
    [
      "globs, exactly",
      { filesystem: { read: ["./src/**/*.ts"] } },
      { filesystem: { read: ["./src/a*", "/opt"] } },
      {
        filesystem: {
          read: [
            { path: "./src/a*.ts", optional: true },
            { path: "./src/a*/**/*.ts", optional: true },
          ],
        },
      },
    ],
    [
      "the baseline",
      { filesystem: { baseline: false, read: ["/usr/lib"] } },
      {},
      {
        filesystem: { baseline: false, read: ["/usr/lib"] },
      },
    ],
    [
      "an ask about reading and writing where only reading is left",
      { filesystem: { write: ["."], ask: ["./x"] } },
      { filesystem: { read: ["."] } },
      { filesystem: { read: ["."], deny: ["./x"] } },
    ],
    [
      "an ask that a hook answers",
      { filesystem: { write: ["."], ask: [{ path: "./x", defer: "h" }] } },
      { filesystem: { read: ["."] } },
      { filesystem: { read: [".", { path: "./x", defer: "h" }] } },
    ],
    [
      "lists of programs",
      { process: { allow: ["git", "node", "/usr/bin/*"], deny: ["curl"] } },
      { process: { allow: [{ binary: "git", args: ["status"] }, "/usr/bin/a*"], deny: ["wget"] } },
      {
        process: {
          allow: [{ binary: "git", args: ["status"] }, "/usr/bin/a*"],
          deny: ["curl", "wget"],
        },
      },
    ],
    ["no list by a list", {}, { process: { allow: ["git"] } }, { process: { allow: ["git"] } }],
    [
      "lists with nothing in common",
      { process: { allow: ["git"] } },
      { process: { allow: ["node"] } },
      { process: { allow: [] } },
    ],
    [
      "limits",
      { process: { limits: { memory: "2GiB", pids: 9 } } },
      { process: { limits: { memory: "1GiB", timeout: "1m", mode: "best-effort" } } },
      { process: { limits: { memoryBytes: 2 ** 30, pids: 9, timeoutMs: 60_000 } } },
    ],
    [
      "hosts, ports, programs and requests",
      { network: { allow: [{ id: "api", host: "*.example.com", ports: "all", http: { access: "read-write" } }] } },
      {
        network: {
          allow: [
            {
              host: "api.**",
              binaries: ["curl"],
              http: { rules: [{ methods: ["GET", "DELETE"], paths: ["/v1/**"] }] },
            },
          ],
          deny: [{ host: "**", http: { rules: [{ paths: ["/admin"] }] } }],
        },
      },
      {
        network: {
          allow: [
            {
              id: "api",
              host: "api.example.com",
              binaries: ["curl"],
              http: { rules: [{ methods: ["GET", "HEAD"], paths: ["/v1/**"] }] },
            },
          ],
          deny: [{ host: "**", http: { rules: [{ paths: ["/admin"] }] } }],
        },
      },
    ],
    [
      "private addresses",
      { network: { allow: [{ host: "db.corp", addresses: ["10.0.0.0/8"] }] } },
      { network: { allow: [{ host: "**" }], privateRanges: ["10.1.0.0/16", "127.0.0.1/32"] } },
      { network: { allow: [{ host: "db.corp", addresses: ["10.1.0.0/16"] }] } },
    ],
    [
      "tools",
      { network: { allow: [{ host: "a.b", http: { rules: [{ mcp: { tools: ["search", "fs/*"] } }] } }] } },
      { network: { allow: [{ host: "a.b", http: { rules: [{ mcp: { tools: ["fs/read", "rm"] } }] } }] } },
      { network: { allow: [{ host: "a.b", http: { rules: [{ mcp: { tools: ["fs/read"] } }] } }] } },
    ],
    [
      "an ask about a connection by a rule on requests",
      { network: { ask: [{ host: "a.b" }] } },
      { network: { allow: [{ host: "a.b", http: { access: "read-only" } }] } },
      { network: { deny: [{ host: "a.b", ports: [443] }] } },
    ],
    [
      "models, budgets and providers",
      {
        inference: {
          routes: [
            { models: ["a-*"], provider: "p" },
            { models: ["b"], provider: "q" },
          ],
          budget: { usd: 5 },
        },
      },
      {
        inference: {
          routes: [{ models: ["*-1", "b"], provider: "p" }],
          budget: { usd: 9, tokens: 1 },
          localOnly: true,
        },
      },
      {
        inference: {
          routes: [{ models: ["a-1", "a-*-1"], provider: "p" }],
          budget: { tokens: 1, usd: 5 },
          localOnly: true,
        },
      },
    ],
    [
      "secrets",
      {
        credentials: [
          { name: "T", hosts: ["a.b", "*.c.d"] },
          { name: "U", hosts: ["a.b"] },
        ],
      },
      { credentials: [{ name: "T", hosts: ["x.c.d"] }] },
      {
        credentials: [
          {
            name: "T",
            variable: "T",
            hosts: ["x.c.d"],
            ports: [443],
            places: { headers: ["authorization"], basic: true },
          },
        ],
      },
    ],
    ["what is recorded", { audit: { files: "off" } }, { audit: { files: "all" } }, { audit: { files: "all" } }],
    [
      "what is recorded of calls",
      { audit: { inference: "metadata" } },
      { audit: { inference: "content" } },
      { audit: { inference: "content" } },
    ],
  ])("intersects %s", (_, policy, cap, expected) => {
    expect(restricted(policy, cap)).toEqual(expected);
  });

  test("keeps name and locks, and ids apart", () => {
    const policy = restrict(
      { version: 1, name: "agent", locked: ["network"], filesystem: { read: [{ id: "r", path: "./*" }] } },
      {
        version: 1,
        name: "cap",
        locked: ["audit"],
        filesystem: { read: ["./a", "./b"], deny: [{ id: "r", path: "./c" }] },
      },
    );
    expect(policy).toMatchObject({ name: "agent", locked: ["network", "audit"] });
    expect(policy.filesystem?.read).toMatchObject([{ id: "r" }, { id: "r.2" }]);
    expect(policy.filesystem?.deny).toMatchObject([{ id: "r.3" }]);
  });

  test("knows where rules came from", async () => {
    const base: Policy = { version: 1, name: "base", filesystem: { write: ["."] } };
    const more: Policy = { version: 1, name: "more", filesystem: { deny: ["./x"] } };
    const cap: Policy = { version: 1, name: "cap", filesystem: { read: ["./src"] } };
    const policy = restrict(compose(base, more), cap);
    expect((await explain(policy, { domain: "filesystem", path: "./src/a" })).parts).toEqual(["base", "cap"]);
    expect((await explain(policy, { domain: "filesystem", path: "./x" })).parts).toEqual(["more"]);
  });

  test("refuses what cannot be written down, and names the rules", () => {
    const stars = (letter: string) => `./${Array.from({ length: 40 }, () => `*${letter}`).join("")}*`;
    const error = failure("POLICY_INEXPRESSIBLE", () => {
      restricted(
        { filesystem: { read: [{ id: "a", path: stars("a") }] } },
        { filesystem: { read: [{ id: "b", path: stars("b") }] } },
      );
    });
    expect(error.details.rules).toEqual(["a", "b"]);
    expect(error.message).toMatch(/^Cannot restrict a of the policy by b of the cap: /);
  });
});
