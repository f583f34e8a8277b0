import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createSandbox, type PipelineResult, type Sandbox, type Stage } from "../../src/mod.ts";
import { filesOf, folderWith, run, sh, stageOf } from "./support.ts";

/** What a hostile stage does, how it is refused, and what would have come out without that. */
interface Attack {
  readonly script: string;
  readonly stage?: Partial<Stage>;
  readonly refused: RegExp;
  /** Whether the attack works: of the sandbox after the script, and of what a plain copy of its workspace holds. */
  readonly works: (sandbox: Sandbox, copy: string) => Promise<boolean> | boolean;
}

const exists = (copy: string, path: string): boolean => path in filesOf(copy);

const ATTACKS: Readonly<Record<string, Attack>> = {
  "a symlink that leads out": {
    script: "ln -s /etc/passwd out/page.md",
    refused: /"out\/page.md": it is a symlink, and no regular file/,
    works: (_, copy) => readFileSync(join(copy, "out/page.md"), "utf8").includes("root:"),
  },
  "an output that becomes a symlink": {
    script: "rm in/page.md; ln -s ../secret/key in/page.md",
    stage: { outputs: { docs: { path: "in" } } },
    refused: /it is a symlink/,
    works: (_, copy) => readFileSync(join(copy, "in/page.md"), "utf8") === "key\n",
  },
  "an extra file": {
    script: "echo x > out/page.md; echo '#!/bin/sh' > extra/postinstall",
    stage: { policy: { version: 1, filesystem: { write: ["./extra"] } } },
    refused: /"extra\/postinstall": it is in no output/,
    works: (_, copy) => exists(copy, "extra/postinstall"),
  },
  "a file beside a declared one": {
    script: "echo x > out/page.md; echo x > out/other.md",
    stage: { outputs: { page: { path: "out/page.md", kind: "file" } } },
    refused: /"out\/other.md": it is in no output/,
    works: (_, copy) => exists(copy, "out/other.md"),
  },
  "a folder in the place of a file": {
    script: "mkdir out/page.md; echo x > out/page.md/inner",
    stage: { outputs: { page: { path: "out/page.md", kind: "file" } } },
    refused: /is a folder, and no file/,
    works: (_, copy) => exists(copy, "out/page.md/inner"),
  },
  "a second name of a file": {
    script: "echo good > out/a.md; ln out/a.md out/b.md",
    refused: /"out\/b.md": it is a second name of "out\/a.md"/,
    // What is written by one name is read by the other, whatever was looked at by then.
    works: async (sandbox) => {
      await sandbox.exec(sh("echo evil > out/b.md"));
      return (await sandbox.files.readText("out/a.md")) === "evil\n";
    },
  },
  "a set-user-id program": {
    script: "cp /bin/true out/tool && chmod 4755 out/tool",
    refused: /"out\/tool": it has a set-user-id/,
    works: async (sandbox) => (await sandbox.exec(sh("test -u out/tool"))).exitCode === 0,
  },
  "a FIFO": {
    script: "mkfifo out/pipe",
    refused: /"out\/pipe": it is special/,
    works: async (sandbox) => (await sandbox.exec(sh("test -p out/pipe"))).exitCode === 0,
  },
  "a sparse file": {
    script: "truncate -s 10G out/huge",
    refused: /"out\/huge": it is longer than its output may be/,
    works: async (sandbox) => (await sandbox.files.stat("out/huge")).size === 10 * 2 ** 30,
  },
  "too much together": {
    script: "for i in 1 2 3; do head -c 60000 /dev/zero > out/$i; done",
    stage: { outputs: { out: { path: "out", maxBytes: 150_000 } } },
    refused: /output "out" has more than 150000 bytes/,
    works: (_, copy) => statSync(join(copy, "out/3")).size === 60_000,
  },
  "too many files": {
    script: "for i in 1 2 3; do : > out/$i; done",
    stage: { outputs: { out: { path: "out", maxFiles: 2 } } },
    refused: /output "out" has more than 2 files/,
    works: (_, copy) => exists(copy, "out/3"),
  },
  "a name with a line end": {
    script: "touch \"$(printf 'out/a\\n+ evil\\nb')\"",
    refused: /its name has control or invisible characters/,
    works: (_, copy) => exists(copy, "out/a\n+ evil\nb"),
  },
  "a name that shows as another one": {
    script: "touch \"$(printf 'out/gpj.\\342\\200\\256sh')\"",
    refused: /its name has control or invisible characters/,
    works: (_, copy) => Object.keys(filesOf(copy)).some((path) => path.includes("\u202e")),
  },
  "a name that is a path elsewhere": {
    script: "touch 'out/..\\..\\evil'",
    refused: /its name has control or invisible characters, or a backslash/,
    works: (_, copy) => exists(copy, "out/..\\..\\evil"),
  },
  "a name that is no text": {
    script: "touch \"$(printf 'out/\\377')\"",
    refused: /its name is not UTF-8/,
    works: async (sandbox) => (await sandbox.files.list("out")).some(({ nameBytes }) => nameBytes[0] === 0xff),
  },
  "a hook of git": {
    script: "mkdir -p out/.git/hooks; echo 'evil' > out/.git/hooks/pre-commit",
    refused: /"out\/.git\/hooks\/pre-commit": it is git's own/,
    works: (_, copy) => exists(copy, "out/.git/hooks/pre-commit"),
  },
  "a repository without the name": {
    script:
      "mkdir -p out/r/objects out/r/refs; echo x > out/r/HEAD; echo x > out/r/objects/x; echo x > out/r/refs/x; echo evil > out/r/config",
    refused: /"out\/r\/config": it is git's own/,
    works: (_, copy) => exists(copy, "out/r/config"),
  },
  "a change of an input": {
    script: "echo x > out/page.md; echo evil > in/page.md",
    stage: { policy: { version: 1, filesystem: { write: ["./in"] } } },
    refused: /"in\/page.md": it is in no output/,
    works: (_, copy) => readFileSync(join(copy, "in/page.md"), "utf8") === "evil\n",
  },
  "nothing at all": {
    script: "true",
    refused: /did not make its output "out"/,
    works: () => true,
  },
};

const PROJECT = { "in/page.md": "page\n", "secret/key": "key\n" };
const names = Object.keys(ATTACKS);
const stageName = (attack: string): string => `a${names.indexOf(attack)}`;

describe("a stage that smuggles", () => {
  let result: PipelineResult;
  let project: string;
  beforeAll(async () => {
    project = folderWith(PROJECT);
    const stages = Object.entries(ATTACKS).map(([name, { script, stage }]): [string, Stage] => [
      stageName(name),
      // Even who lets everything through lets nothing of this through.
      {
        command: sh(script),
        inputs: ["in", "secret"],
        outputs: { out: { path: "out" } },
        gate: { approve: () => true },
        ...stage,
      },
    ]);
    result = await run(Object.fromEntries(stages), project);
  });

  test.each(names)("%s fails", (name) => {
    const { status, failure, reason } = stageOf(result, stageName(name));
    expect([status, reason]).toEqual(["failed", expect.stringMatching(ATTACKS[name]?.refused ?? /^$/)]);
    expect(["smuggled", "too-large", "missing"]).toContain(failure);
  });

  test("leaves nothing in the run's folder or in the project", () => {
    expect(result.stages.flatMap(({ outputs }) => outputs)).toEqual([]);
    expect(result.status).toBe("failed");
    expect(filesOf(project)).toEqual(PROJECT);
    expect(Object.values(filesOf(result.folder)).filter((text) => text === "evil\n")).toEqual([]);
  });

  test.each(names)("%s would work on who takes what is there", async (name) => {
    const { script, works } = ATTACKS[name] as Attack;
    await using sandbox = await createSandbox(
      { version: 1, filesystem: { write: ["./in", "./out", "./extra"], read: ["./secret"] } },
      { runtime: "local", workspace: project },
    );
    await sandbox.exec(sh(script), { check: true });
    const copy = folderWith();
    for (const name of script.includes("truncate") ? [] : ["in", "out", "extra", "secret"]) {
      await sandbox.files.download(name, join(copy, name));
    }
    expect(await works(sandbox, copy)).toBe(true);
  });
});

test("what a stage leaves running cannot change what it made", async () => {
  const result = await run(
    {
      // It would write for ever, in a session of its own.
      hostile: {
        command: sh(
          "echo good > out/page; setsid sh -c 'while :; do echo evil > out/page; done' > /dev/null 2>&1 & sleep 0.2; echo good > out/other",
        ),
        outputs: { out: { path: "out" } },
      },
    },
    folderWith(),
  );
  const hostile = stageOf(result, "hostile");
  expect([hostile.status, hostile.reason]).toEqual(["passed", undefined]);
});
