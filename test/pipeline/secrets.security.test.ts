import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type PipelineResult, pipelineReport, type Stage } from "../../src/mod.ts";
import { folderWith, run, sh, stageOf } from "./support.ts";

/** Its base64 and its percent-encoding differ from it. */
const SECRET = `tok/+${randomBytes(18).toString("base64url")}=`;
const FORMS = [SECRET, encodeURIComponent(SECRET), Buffer.from(SECRET).toString("base64")];

/** A stage that holds the secret itself: its programs can say it as they like. */
const holding = (more: Partial<Stage>): Stage => ({
  command: ["true"],
  policy: { version: 1, credentials: [{ name: "TOKEN", expose: "env" }] },
  sandbox: { runtime: "local", credentials: { TOKEN: () => SECRET } },
  ...more,
});

/** All that is written down of a run, but for what its stages made. */
function told(result: PipelineResult): string {
  const reports = (["junit", "json", "sarif", "provenance"] as const).map((format) => pipelineReport(result, format));
  return [JSON.stringify(result), readFileSync(join(result.folder, "journal.jsonl"), "utf8"), ...reports].join("\n");
}

/** No part of it that is long enough to be one. */
function expectNothingOf(text: string, forms: readonly string[] = FORMS): void {
  for (const form of forms) {
    for (let at = 0; at + 6 <= form.length; at++) expect(text).not.toContain(form.slice(at, at + 6));
  }
}

test("what a stage prints of a secret is in no report, in no form", async () => {
  const forms = FORMS.slice(1).map((form) => `'${form}'`);
  const script = `printf 'a %s b\\n' "$TOKEN" ${forms.join(" ")}; printf 'c %s d' "$TOKEN" >&2; exit 3`;
  const result = await run({ says: holding({ command: sh(script) }) }, folderWith());
  const [facts] = stageOf(result, "says").attempts;
  expect(facts?.stdoutTail).toMatch(/^a \[redacted:TOKEN\]\*+ b\na \*+ b\na \*+ b\n$/);
  expect(facts?.stderrTail).toMatch(/^c \[redacted:TOKEN\]\*+ d$/);
  expectNothingOf(told(result));
});

test("a secret that the cut of a tail goes through, or that comes in pieces, is not there either", async () => {
  const pieces = [...SECRET].map((char) => `printf '%s' '${char}'; sleep 0.01`).join("; ");
  const result = await run(
    {
      cut: holding({ command: sh(`printf '%s' "$TOKEN"; head -c ${8192 - 20} /dev/zero | tr '\\0' x`) }),
      long: holding({ command: sh(`i=0; while [ $i -lt 3000 ]; do printf '%s' "$TOKEN"; i=$((i+1)); done >&2`) }),
      pieces: holding({ command: sh(pieces) }),
    },
    folderWith(),
  );
  expect(stageOf(result, "cut").attempts[0]?.stdoutTail).toMatch(/^TOKEN\]\*+x{8172}$/);
  expect(stageOf(result, "long").attempts[0]?.stderrTail).toHaveLength(8192);
  expect(stageOf(result, "pieces").attempts[0]?.stdoutTail).toMatch(/^\[redacted:TOKEN\]\*+$/);
  expectNothingOf(told(result));
});

test("the reasons of failures hold no secret: names of files, errors of functions, what checks say", async () => {
  const bare = SECRET.replaceAll("/", "_");
  const credentials = { TOKEN: () => bare };
  const named = holding({ sandbox: { runtime: "local", credentials } });
  const out = { out: { path: "out", kind: "folder" } } as const;
  const check = (script: string) => ({
    name: "check",
    command: sh(script),
    policy: { version: 1, credentials: [{ name: "TOKEN", expose: "env" }] } as const,
  });
  const result = await run(
    {
      smuggles: { ...named, command: sh(`ln -s x "out/$TOKEN"`), outputs: out },
      function: {
        ...named,
        command: async ({ sandbox }) => {
          await sandbox.exec(sh(`head -c ${200 - 10} /dev/zero | tr '\\0' x >&2; echo "$TOKEN" >&2; exit 1`), {
            check: true,
          });
        },
      },
      "command-check": { ...named, checks: [check(`echo "not $TOKEN" >&2; exit 1`)] },
      "function-check": {
        ...named,
        command: sh(`printf '%s' "$TOKEN" > out/a`),
        outputs: out,
        checks: [{ name: "function", run: async (outputs) => `it holds ${await outputs.readText("out")}` }],
      },
      denied: { ...named, command: sh(`cat "/etc/$TOKEN"; cat "/root/$TOKEN"; exit 1`) },
    },
    folderWith(),
  );
  expect(result.stages.map(({ failure, reason }) => [failure, reason])).toEqual([
    ["smuggled", expect.stringMatching(/"out\/\[redacted:TOKEN\]\*+": it is a symlink/)],
    ["function", expect.stringMatching(/It said: "x{190}\[redacted:/)],
    ["check", expect.stringMatching(/not \[redacted:TOKEN\]\*+$/)],
    ["check", expect.stringMatching(/it holds \[redacted:TOKEN\]\*+$/)],
    ["exit", expect.anything()],
  ]);
  expectNothingOf(told(result), [bare]);
});
