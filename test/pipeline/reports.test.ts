import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AttemptFacts, type PipelineResult, pipelineReport, type StageDenial } from "../../src/mod.ts";

/** Everything that means something in XML, JSON, a URI or a terminal, and what is no character at all. */
const HOSTILE = "]]><&\"'\u0000\u0007\u001b[2J\u0085\u2028\u202e\ud800\ufffe\uffff\n</failure>%2f#?\t\\ü";

const denial = (more: Partial<StageDenial>): StageDenial => ({
  domain: "filesystem",
  operation: "read",
  object: `/workspace/a b/${HOSTILE}`,
  reason: HOSTILE,
  count: 1,
  ...more,
});

const attempt: AttemptFacts = {
  attempt: 1,
  startedAt: "2026-01-02T03:04:05.678Z",
  durationMs: 1500,
  sandbox: "abc",
  policyDigest: `sha256:${"1".repeat(64)}`,
  runtime: "docker",
  mode: "emulated",
  image: { name: "node:22", id: `sha256:${"2".repeat(64)}` },
  exitCode: 0,
  signal: null,
  decisions: { allowed: 5, denied: 7, asked: 1 },
  denials: [
    denial({ rule: "no-env" }),
    denial({ object: "/etc/shadow", program: `/bin/${HOSTILE}`, count: 3 }),
    denial({ domain: "network", operation: "connect", object: `${HOSTILE}.test:443` }),
  ],
  auditHead: `sha256:${"3".repeat(64)}`,
  stdoutTail: HOSTILE,
  stderrTail: "",
  checks: [
    { name: "held", durationMs: 3, image: { name: "alpine", id: `sha256:${"d".repeat(64)}` } },
    { name: HOSTILE, durationMs: 4, problem: HOSTILE, root: { name: "./a b", path: "/srv/a b" } },
  ],
};

const sha = (digit: string) => digit.repeat(64);

const RESULT: PipelineResult = {
  pipeline: "docs",
  run: "0123456789abcdef",
  folder: "/runs/0123456789abcdef",
  status: "failed",
  stages: [
    {
      name: "good",
      status: "passed",
      attempts: [{ ...attempt, checks: [], denials: [] }],
      outputs: [
        {
          name: "docs",
          digest: `sha256:${sha("4")}`,
          files: [{ path: "docs/ü <x>.md", mode: 0o644, size: 1, sha256: sha("5") }],
        },
      ],
      gate: {
        on: "diff",
        digest: `sha256:${sha("6")}`,
        deadline: "2026-01-02T04:04:05.678Z",
        approved: true,
        by: "alice",
      },
      release: { applied: ["docs/ü <x>.md"], refused: [] },
    },
    { name: "bad", status: "failed", failure: "check", reason: HOSTILE, attempts: [attempt], outputs: [] },
    {
      name: "refused",
      status: "denied",
      reason: `its gate was denied by ${HOSTILE}`,
      attempts: [{ ...attempt, checks: [], denials: [] }],
      outputs: [
        { name: "x", digest: `sha256:${sha("7")}`, files: [{ path: "x", mode: 0o644, size: 1, sha256: sha("8") }] },
      ],
      gate: { on: "plan", digest: `sha256:${sha("9")}`, deadline: "", approved: false, by: HOSTILE },
    },
    { name: "later", status: "skipped", reason: "what it needs did not pass", attempts: [], outputs: [] },
  ],
  inputs: [{ path: "src/a.ts", mode: 0o644, size: 1, sha256: sha("a") }],
  definitionDigest: `sha256:${sha("b")}`,
  journalHead: `sha256:${sha("c")}`,
  startedAt: "2026-01-02T03:04:05.678Z",
  endedAt: "2026-01-02T03:05:05.678Z",
};

/** By expat, which takes nothing that is not well-formed. */
function parseXml(text: string): {
  tag: string;
  attributes: Record<string, string>;
  children: ReturnType<typeof parseXml>[];
  text: string;
} {
  const script = [
    "import sys, json, xml.etree.ElementTree as E",
    "def j(e): return dict(tag=e.tag, attributes=e.attrib, text=e.text or '', children=[j(c) for c in e])",
    "print(json.dumps(j(E.fromstring(sys.stdin.buffer.read()))))",
  ].join("\n");
  return JSON.parse(execFileSync("python3", ["-c", script], { input: text, encoding: "utf8" }));
}

/** Nothing in it could move a cursor, or end a line where there is one value. */
const SAFE = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\ud800-\udfff\ufffe\uffff]*$/u;

describe("pipelineReport()", () => {
  test("junit is well-formed, whatever a program chose", () => {
    const root = parseXml(pipelineReport(RESULT, "junit"));
    expect([root.tag, root.attributes]).toMatchObject([
      "testsuites",
      { name: "docs", tests: "8", failures: "3", skipped: "1" },
    ]);
    const cases = root.children.map(({ attributes, children }) => [
      attributes.name,
      ...children
        .filter(({ tag }) => tag === "testcase")
        .map((each) => [each.attributes.name, each.children[0]?.tag, each.children[0]?.attributes.type].join(" ")),
    ]);
    expect(cases.map((each) => each.map((text) => text?.trim()))).toEqual([
      ["docs.good", "stage", "gate: diff"],
      ["docs.bad", "stage failure check", "check: held", expect.stringMatching(/^check: .* failure check$/)],
      ["docs.refused", "stage", "gate: plan failure denied"],
      ["docs.later", "stage skipped"],
    ]);
    const messages = root.children.flatMap(({ children }) =>
      children.flatMap((each) => each.children.map(({ attributes }) => attributes.message ?? "")),
    );
    for (const message of messages) expect(message).toMatch(SAFE);
    expect(messages[0]).toContain("]]><&\"'\\u{0}\\u{7}\\u{1b}[2J");
    const [out] = root.children[1]?.children.filter(({ tag }) => tag === "system-out") ?? [];
    expect(out?.text.split("\n")).toHaveLength(2);
  });

  test("sarif says of each denial where and why", () => {
    // JSON holds the last two code points of a plane as it holds any other.
    const text = z.string().refine((value) => SAFE.test(value.replace(/[\ufffe\uffff]/g, "")));
    const uri = z.string().regex(/^(?:file:\/\/)?[A-Za-z0-9._~/%!'()*-]+$/);
    const location = z.strictObject({
      physicalLocation: z.strictObject({ artifactLocation: z.strictObject({ uri }) }).optional(),
      logicalLocations: z.array(z.strictObject({ fullyQualifiedName: text, kind: z.literal("resource") })).optional(),
    });
    const result = z.strictObject({
      ruleId: text,
      ruleIndex: z.int().min(0),
      level: z.enum(["none", "note", "warning", "error"]),
      message: z.strictObject({ text }),
      locations: z.array(location).length(1),
      occurrenceCount: z.int().min(1),
      properties: z.record(z.string(), z.unknown()),
    });
    const rule = z.strictObject({ id: text, shortDescription: z.strictObject({ text }) });
    const log = z.strictObject({
      $schema: z.url(),
      version: z.literal("2.1.0"),
      runs: z.tuple([
        z.strictObject({
          tool: z.strictObject({
            driver: z.strictObject({ name: z.literal("cofferdam"), version: text, rules: z.array(rule) }),
          }),
          automationDetails: z.strictObject({ id: text }),
          invocations: z.tuple([
            z.strictObject({
              executionSuccessful: z.boolean(),
              startTimeUtc: z.iso.datetime(),
              endTimeUtc: z.iso.datetime(),
            }),
          ]),
          columnKind: z.literal("utf16CodeUnits"),
          results: z.array(result),
        }),
      ]),
    });
    const [run] = log.parse(
      JSON.parse(pipelineReport(RESULT, "sarif", { version: "1.2.3", source: "ci/docs.pipeline.ts" })),
    ).runs;
    expect(run.tool.driver.rules.map(({ id }) => id)).toEqual([
      "no-env",
      "unmatched/filesystem.read",
      "unmatched/network.connect",
    ]);
    expect(run.results.map(({ ruleId, ruleIndex }) => [ruleId, ruleIndex])).toEqual([
      ["no-env", 0],
      ["unmatched/filesystem.read", 1],
      ["unmatched/network.connect", 2],
    ]);
    const uris = run.results.map(({ locations }) => locations[0]?.physicalLocation?.artifactLocation.uri);
    expect(uris).toEqual([expect.stringMatching(/^a%20b\/%5D%5D%3E/), "file:///etc/shadow", "ci/docs.pipeline.ts"]);
    expect(run.results[1]?.message.text).toMatch(/\(3 times\)/);
  });

  test("provenance names policies, image, inputs, outputs and decisions, and only what has passed", () => {
    const statement = JSON.parse(pipelineReport(RESULT, "provenance", { version: "1.2.3" }));
    expect(statement._type).toBe("https://in-toto.io/Statement/v1");
    expect(statement.predicateType).toBe("https://slsa.dev/provenance/v1");
    expect(statement.subject).toEqual([{ name: "good/docs/docs/ü <x>.md", digest: { sha256: sha("5") } }]);
    const { buildDefinition, runDetails } = statement.predicate;
    expect(buildDefinition.externalParameters).toEqual({ pipeline: "docs", definition: { sha256: sha("b") } });
    expect(buildDefinition.resolvedDependencies).toEqual([
      { name: "src/a.ts", digest: { sha256: sha("a") } },
      ...["good", "bad", "refused"].map((name) => ({ name: `policy of ${name}`, digest: { sha256: sha("1") } })),
      { name: "image node:22", digest: { sha256: sha("2") } },
      { name: "image alpine", digest: { sha256: sha("d") } },
      { name: "root ./a b", uri: "file:///srv/a%20b" },
    ]);
    expect(runDetails.metadata.invocationId).toBe(RESULT.run);
    expect(runDetails.byproducts[0]).toEqual({ name: "journal", digest: { sha256: sha("c") } });
    expect(runDetails.byproducts[1]).toEqual({ name: "audit of good, attempt 1", digest: { sha256: sha("3") } });
    expect(runDetails.cofferdam_stages[0].attempts[0].decisions).toEqual({ allowed: 5, denied: 7, asked: 1 });
    expect(runDetails.cofferdam_stages[1].attempts[0].checks).toEqual([
      { name: "held", passed: true, image: { name: "alpine", id: `sha256:${sha("d")}` } },
      { name: HOSTILE, passed: false, root: { name: "./a b", path: "/srv/a b" } },
    ]);
  });

  test("json is the result", () => {
    const { format, ...rest } = JSON.parse(pipelineReport(RESULT, "json"));
    expect([format, rest.status, rest.stages.length]).toEqual([1, "failed", 4]);
    // A lone surrogate is written as an escape.
    expect(rest.stages[1].reason).toBe(HOSTILE);
  });
});
