import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ApprovalRequest,
  approveByPolicy,
  compose,
  describeRequest,
  explain,
  type Policy,
  suggestRule,
} from "../../src/mod.ts";
import { asked, fileQuestion, hostQuestion, startQuestion, webOf } from "./support.ts";

const segment = fc
  .string({ unit: "binary", minLength: 1, maxLength: 12 })
  .filter((text) => !/[/\0\p{Cs}]/u.test(text) && text !== "." && text !== "..");
const path = fc.tuple(
  fc.constantFrom("/workspace", "/home/agent", "/srv"),
  fc.array(segment, { minLength: 1, maxLength: 3 }),
);
const hooked = { askedBy: { kind: "plugin", name: "careful", hook: "filesystem.access" } } as const;

/** Without what every sandbox may do with its home. */
const bare = (policy: Policy): Policy => ({ ...policy, filesystem: { ...policy.filesystem, baseline: false } });

describe("suggestRule()", () => {
  test("means the file that was asked about, and no other one", async () => {
    await fc.assert(
      fc.asyncProperty(path, segment, async ([root, segments], other) => {
        const name = `${root}/${segments.join("/")}`;
        const question = fileQuestion(name, { operation: "write", verdict: "ask" });
        const rule = suggestRule(question, "allow");
        if (name.includes("\ufffd")) return;
        if (rule === undefined) throw new Error("there is no rule");
        const verdict = async (policy: Policy, of: string) =>
          (await explain(bare(policy), { domain: "filesystem", operation: "write", path: of })).verdict;
        expect(await verdict(rule, name)).toBe("allow");
        const sibling = `${root}/${[...segments.slice(0, -1), other].join("/")}`;
        if (sibling !== name) expect(await verdict(rule, sibling)).toBe("deny");
        const denial = suggestRule(question, "deny");
        const both = compose({ version: 1, filesystem: { write: ["."] } }, rule, denial ?? rule);
        expect(await verdict(both, name)).toBe("deny");
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, ApprovalRequest, "allow" | "deny", Policy | undefined]>([
    ["what a hook asks about", { ...fileQuestion("/workspace/a"), ...hooked }, "allow", undefined],
    [
      "a denial of it",
      { ...fileQuestion("/workspace/a"), ...hooked },
      "deny",
      { version: 1, filesystem: { deny: ["./a"] } },
    ],
    [
      "names that are no UTF-8",
      fileQuestion("/workspace/\ufffd", { pathBytes: Buffer.from([0x2f, 0xff]) }),
      "allow",
      undefined,
    ],
    ["a program where a rule asks", { ...startQuestion(["git", "push"]), ruleId: "push" }, "allow", undefined],
    [
      "a denied program",
      startQuestion(["git", "push", "**"]),
      "deny",
      { version: 1, process: { deny: [{ binary: "/usr/bin/git", args: ["push", "\\*\\*"] }] } },
    ],
    [
      "a request",
      hostQuestion(webOf("POST", "/repos/*/x")),
      "allow",
      {
        version: 1,
        network: {
          allow: [
            {
              host: "api.test",
              ports: [443],
              binaries: ["/usr/bin/curl"],
              http: { rules: [{ methods: ["POST"], paths: ["/repos/\\*/x"] }] },
            },
          ],
        },
      },
    ],
    [
      "a program that asks for access, for all programs",
      { ...hostQuestion(), requested: "please" } as ApprovalRequest,
      "allow",
      { version: 1, network: { allow: [{ host: "api.test", ports: [443] }] } },
    ],
  ])("of %s", (_, question, verdict, rule) => {
    expect(suggestRule(question, verdict)).toEqual(rule);
    if (rule !== undefined) expect(() => compose(rule)).not.toThrow();
  });

  test("of both names of a rename", () => {
    const rename = fileQuestion("/workspace/a", { operation: "rename", target: "/home/agent/b" });
    expect(suggestRule(rename, "allow")?.filesystem?.write).toEqual([
      { path: "./a", optional: true },
      { path: "~/b", optional: true },
    ]);
  });
});

describe("approveByPolicy()", () => {
  const approve = approveByPolicy(`
version: 1
name: reviewed
filesystem: { read: [./CHANGELOG.md], write: [./out], deny: [./out/secret] }
process: { allow: [{ binary: /usr/bin/npm, args: [ci] }] }
network: { allow: [{ host: api.test, http: { access: read-only } }, { host: open.test }], deny: [{ host: evil.test }] }
`);
  const access = { requested: "please" };

  test.each<[string, ApprovalRequest, string | undefined]>([
    ["a rule that allows", fileQuestion("/workspace/CHANGELOG.md", {}, "ask-changelog"), "allow"],
    ["no rule", fileQuestion("/workspace/other"), undefined],
    ["the baseline", fileQuestion("/usr/bin/cat"), undefined],
    ["a rule that denies", fileQuestion("/workspace/out/secret/x", { operation: "write" }), "deny"],
    ["half of a rename", fileQuestion("/workspace/out/a", { operation: "rename", target: "/workspace/b" }), undefined],
    ["a whole one", fileQuestion("/workspace/out/a", { operation: "rename", target: "/workspace/out/b" }), "allow"],
    ["arguments", startQuestion(["npm", "ci"]), "allow"],
    ["other arguments", startQuestion(["npm", "publish"]), undefined],
    ["a method", hostQuestion(webOf("GET", "/x")), "allow"],
    ["another method", hostQuestion(webOf("POST", "/x")), undefined],
    ["a whole connection, of which it allows some requests", hostQuestion(), undefined],
    ["a whole connection", hostQuestion(undefined, { host: "open.test" }), "allow"],
    [
      "what is asked for all programs",
      { ...hostQuestion(undefined, { host: "open.test" }), ...access } as ApprovalRequest,
      undefined,
    ],
    [
      "a host that is denied to all",
      { ...hostQuestion(undefined, { host: "evil.test" }), ...access } as ApprovalRequest,
      "deny",
    ],
    ["a hook that asks", { ...fileQuestion("/workspace/CHANGELOG.md"), ...hooked }, undefined],
  ])("answers %s", async (_, question, verdict) => {
    const answer = await approve(question, asked().context);
    if (verdict === undefined) expect(answer).toBeUndefined();
    else expect(answer).toMatchObject({ verdict, by: "policy reviewed" });
  });
});

describe("describeRequest()", () => {
  test("says what happens, by which program, and why, within bounds", () => {
    expect(describeRequest(startQuestion(["sh", "-c", "a b"]))).toEqual({
      title: 'start sh -c "a b"',
      facts: [
        ["program", "/usr/bin/sh"],
        ["in", "/workspace"],
        ["started by", "/usr/bin/bash"],
        ["because", "it asks"],
      ],
    });
    expect(
      describeRequest({ ...hostQuestion(webOf("GET", "/x")), requested: "for docs" } as ApprovalRequest),
    ).toMatchObject({
      title: "from now on: GET https://api.test/x",
      facts: expect.arrayContaining([["the program says", "for docs"]]),
    });
    const long = describeRequest(startQuestion(["x".repeat(100_000)]));
    expect(long.title.length).toBeLessThan(2100);
  });
});
