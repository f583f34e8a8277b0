/**
 * What a sandbox changed, and what of it reaches the host: the same on every runtime, for copies and for overlays.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Change, Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";
import { giveAway, type Scene } from "../scene.ts";

const WRITE_ALL = { version: 1, filesystem: { write: ["."] } } as const;

/** A folder of the host with a little of everything. */
function project(scene: Scene): string {
  const folder = scene.folder();
  const files = {
    "docs/edit.md": "one\ntwo\nthree\n",
    "docs/old.md": "moved as it is\n",
    "docs/gone.md": "gone\n",
    "src/run.sh": "#!/bin/sh\n",
    "src/data.bin": Buffer.from([0, 1, 2, 255]),
    "same.txt": "same\n",
    ".gitignore": "*.log\n/build/\n!keep.log\n",
    ".git/config": "[core]\n",
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  giveAway(folder, ...["docs", "src", ".git", ...Object.keys(files)].map((name) => join(folder, name)));
  return folder;
}

/** The modes in which a workspace can be reviewed here. */
function modes(scene: Scene): readonly ("copy" | "overlay")[] {
  return scene.place.docker ? ["copy"] : ["copy", "overlay"];
}

async function withProject(scene: Scene, use: (sandbox: Sandbox, folder: string) => Promise<void>): Promise<void> {
  for (const mode of modes(scene)) {
    const folder = project(scene);
    const sandbox = await scene.create(WRITE_ALL, { workspace: { path: folder, mode } });
    await use(sandbox, folder);
    await sandbox.stop();
  }
}

const line = ({ kind, path, from, problem }: Change) => [kind, from, path, problem].filter(Boolean).join(" ");

async function run(sandbox: Sandbox, script: string): Promise<void> {
  const { exitCode, stderr } = await shell(sandbox, script);
  if (exitCode !== 0) expect.fail(`${script}: ${stderr}`);
}

const EDITS = `
  sed -i s/two/2/ docs/edit.md; mv docs/old.md docs/new.md; rm docs/gone.md; chmod +x src/run.sh
  printf '\\000\\002' > src/data.bin; mkdir -p deep/er; echo added > deep/er/file; ln -s ../same.txt docs/link`;

const EDITED = [
  "added deep/er/file",
  "modified docs/edit.md",
  "deleted docs/gone.md",
  "added docs/link",
  "renamed docs/old.md docs/new.md",
  "modified src/data.bin",
  "modified src/run.sh",
];

export const reviewCases: readonly Case[] = [
  {
    name: "changes: nothing at first, then what was added, modified, deleted, renamed, and its modes",
    async run(scene) {
      await withProject(scene, async (sandbox) => {
        expect(await sandbox.changes()).toHaveLength(0);
        await run(sandbox, EDITS);
        const changes = await sandbox.changes();
        expect(changes.map(line).sort()).toEqual([...EDITED].sort());
        const at = (path: string) => changes.find((each) => each.path === path);
        expect(await at("docs/edit.md")?.diff()).toContain("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
        expect(at("src/run.sh")).toMatchObject({ before: { mode: 0o644 }, after: { mode: 0o755 }, conflict: false });
        expect(await at("src/data.bin")?.diff()).toContain("Binary files differ");
        expect(at("src/data.bin")?.after?.sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(at("docs/link")?.after).toMatchObject({ kind: "symlink", target: "../same.txt" });
      });
    },
  },
  {
    name: "changes: a file of the same size and times is found by its content",
    async run(scene) {
      await withProject(scene, async (sandbox) => {
        await run(sandbox, "cp -p same.txt /tmp/reference; echo SAME > same.txt; touch -r /tmp/reference same.txt");
        expect((await sandbox.changes()).map(line)).toEqual(["modified same.txt"]);
        await run(sandbox, "echo same > same.txt");
        expect(await sandbox.changes()).toHaveLength(0);
      });
    },
  },
  {
    name: "changes: files that trade places, and folders that are moved, are found without a change of their own",
    async run(scene) {
      await withProject(scene, async (sandbox) => {
        await run(sandbox, "mkdir d && echo a > d/x && echo b > docs/x");
        await sandbox.apply();
        await run(sandbox, "cp -r d t && rm -r d && cp -r docs d && mv t/x docs/x");
        const changed = (await sandbox.changes()).map(line);
        expect(changed).toContain("modified docs/x");
        expect(changed).toContain("modified d/x");
      });
    },
  },
  {
    name: "apply: the host's folder becomes what was shown, with its modes",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(sandbox, EDITS);
        const { applied, refused: not } = await sandbox.apply();
        expect(not).toEqual([]);
        expect(applied).toHaveLength(EDITED.length);
        const read = (name: string) => readFileSync(join(folder, name), "utf8");
        expect([read("docs/edit.md"), read("docs/new.md"), read("deep/er/file")]).toEqual([
          "one\n2\nthree\n",
          "moved as it is\n",
          "added\n",
        ]);
        expect(["docs/gone.md", "docs/old.md"].filter((name) => existsSync(join(folder, name)))).toEqual([]);
        expect(lstatSync(join(folder, "src/run.sh")).mode & 0o777).toBe(0o755);
        expect(readlinkSync(join(folder, "docs/link"))).toBe("../same.txt");
        expect(execFileSync("find", [folder, "-name", ".cofferdam-*"]).toString()).toBe("");
        expect(await sandbox.changes()).toHaveLength(0);
        // What was applied is what the next change is compared with.
        await run(sandbox, "echo more >> deep/er/file");
        await sandbox.changes();
        expect((await sandbox.apply({ check: true })).applied.map(line)).toEqual(["modified deep/er/file"]);
        expect(read("deep/er/file")).toBe("added\nmore\n");
        const owner = lstatSync(folder).uid;
        for (const name of ["deep", "deep/er/file", "docs/edit.md", "docs/link"]) {
          expect([name, lstatSync(join(folder, name)).uid]).toEqual([name, owner]);
        }
      });
    },
  },
  {
    name: "apply: `only` chooses by globs, paths or a function",
    async run(scene) {
      const folder = project(scene);
      const sandbox = await scene.create(WRITE_ALL, { workspace: folder });
      await run(sandbox, EDITS);
      const paths = async (only: Parameters<Sandbox["apply"]>[0]) =>
        (await sandbox.apply(only)).applied.map(({ path }) => path);
      expect(await paths({ only: "./docs/*.md" })).toEqual(["docs/gone.md", "docs/edit.md", "docs/new.md"]);
      expect(await paths({ only: ["deep"] })).toEqual(["deep/er/file"]);
      expect(await paths({ only: ({ after }) => after?.mode === 0o755 })).toEqual(["src/run.sh"]);
      expect((await sandbox.changes()).map(line)).toEqual(["added docs/link", "modified src/data.bin"]);
      await refused(sandbox.apply({ only: "../outside" }), "ARGUMENT_INVALID");
    },
  },
  {
    name: "apply: a file that the host has changed since is refused, and the others are applied",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(sandbox, `${EDITS}; echo mine > docs/both.md`);
        await sandbox.changes();
        for (const name of ["docs/edit.md", "docs/gone.md", "docs/old.md", "docs/both.md"]) {
          writeFileSync(join(folder, name), "the host's\n");
        }
        const { applied, refused: not } = await sandbox.apply();
        expect(not.map(({ change, code }) => `${change.path} ${code}`).sort()).toEqual([
          "docs/both.md host-changed",
          "docs/edit.md host-changed",
          "docs/gone.md host-changed",
          "docs/new.md host-changed",
        ]);
        expect(applied.map(({ path }) => path)).toContain("src/run.sh");
        for (const name of ["docs/edit.md", "docs/gone.md", "docs/old.md", "docs/both.md"]) {
          expect(readFileSync(join(folder, name), "utf8")).toBe("the host's\n");
        }
        const now = await sandbox.changes();
        expect(now.filter(({ conflict }) => conflict).map(({ path }) => path)).toContain("docs/edit.md");
        await refused(sandbox.apply({ check: true }), "CHANGES_REFUSED");
      });
    },
  },
  {
    name: "apply: what the sandbox changes after it was shown is refused, not applied",
    async run(scene) {
      const folder = project(scene);
      const sandbox = await scene.create(WRITE_ALL, { workspace: folder });
      await run(sandbox, "echo good > docs/edit.md; echo good > fresh; echo good > gone");
      const changes = await sandbox.changes();
      await run(sandbox, "echo evil > docs/edit.md; rm fresh; ln -s docs/edit.md fresh; rm gone");
      const { applied, refused: not } = await sandbox.apply({ changes });
      expect(applied).toEqual([]);
      expect(not.map(({ code }) => code)).toEqual(["sandbox-changed", "sandbox-changed", "sandbox-changed"]);
      expect(readFileSync(join(folder, "docs/edit.md"), "utf8")).toBe("one\ntwo\nthree\n");
      expect(existsSync(join(folder, "fresh"))).toBe(false);
      const error = await refused(changes[0]?.diff() ?? Promise.resolve(), "CHANGE_STALE");
      expect(error.details.path).toBe("docs/edit.md");
    },
  },
  {
    name: "apply: links out, FIFOs, set-id bits and what cannot be read do not reach the host",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(
          sandbox,
          `ln -s /etc/passwd absolute; ln -s ../../x climbs; ln -s docs/../../x hides; ln -s docs inside; mkfifo fifo
           echo x > set-id; chmod 6755 set-id; echo x > secret; chmod 0 secret; mkdir shut; echo x > shut/x; chmod 0 shut
           ln same.txt hard`,
        );
        const { applied, refused: not } = await sandbox.apply();
        expect(not.map(({ change, code }) => `${change.path} ${code}`).sort()).toEqual([
          "absolute link-leads-out",
          "climbs link-leads-out",
          "fifo special",
          "hides link-leads-out",
          "secret unreadable",
          "shut unreadable",
        ]);
        expect(applied.map(({ path }) => path)).toEqual(["hard", "inside", "set-id"]);
        expect(lstatSync(join(folder, "set-id")).mode & 0o7777).toBe(0o755);
        expect(lstatSync(join(folder, "hard")).nlink).toBe(1);
        const again = await sandbox.apply({ symlinks: "any", only: ["absolute", "climbs"] });
        expect(again.applied).toHaveLength(2);
        expect(readlinkSync(join(folder, "absolute"))).toBe("/etc/passwd");
      });
    },
  },
  {
    name: "apply: names of any bytes, and a difference that cannot speak to a terminal",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        const odd = Buffer.concat([Buffer.from('new\nline "\\ '), Buffer.from([0xff])]);
        await sandbox.files.write(odd, "x\u001b[2J\n");
        const [change] = await sandbox.changes();
        expect(Buffer.from(change?.pathBytes ?? []).equals(odd)).toBe(true);
        expect(await change?.diff()).toContain("+x\\u{1b}[2J\n");
        expect(await change?.diff()).toContain('"b/new\\nline \\"\\\\ \\377"');
        await sandbox.apply({ check: true });
        expect(existsSync(Buffer.concat([Buffer.from(`${folder}/`), odd]))).toBe(true);
      });
    },
  },
  {
    name: "apply: a sparse file of ten gigabytes is listed, and neither read nor written",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(sandbox, "dd if=/dev/zero of=sparse bs=1 count=1 seek=10737418239 2>/dev/null; echo x > small");
        const changes = await sandbox.changes();
        expect(changes.map(line)).toEqual(["added small", "added sparse too-large"]);
        const { refused: not } = await sandbox.apply();
        expect(not.map(({ code }) => code)).toEqual(["too-large"]);
        expect([existsSync(join(folder, "small")), existsSync(join(folder, "sparse"))]).toEqual([true, false]);
        await refused(changes.toPatch(), "REVIEW_FAILED");
      });
    },
  },
  {
    name: "changes: the host's ignore rules hold, whatever the sandbox writes into its own",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(
          sandbox,
          `mkdir build; echo x > build/out; echo x > a.log; echo x > keep.log; echo x > docs/b.log
           echo '*' > .gitignore; echo '*' > docs/.gitignore; echo evil > hidden`,
        );
        const changes = await sandbox.changes();
        expect(changes.map(({ path }) => path)).toEqual([".gitignore", "docs/.gitignore", "hidden", "keep.log"]);
        expect(changes.ignoredCount).toBe(3);
        expect(await sandbox.changes({ ignored: true })).toHaveLength(7);
        await sandbox.changes();
        await sandbox.apply();
        expect(existsSync(join(folder, "a.log"))).toBe(false);
      });
    },
  },
  {
    name: "apply: git's own files are left alone under every spelling, but for commits where they are wanted",
    async run(scene) {
      const folder = project(scene);
      const sandbox = await scene.create(WRITE_ALL, { workspace: folder });
      await run(
        sandbox,
        `mkdir -p .git/hooks .git/refs/heads .git/objects/ab sub/.GIT/hooks 'x/.git ' bare/objects bare/refs git~1
         echo evil > .git/hooks/pre-commit; echo evil >> .git/config; echo evil > sub/.GIT/hooks/x; echo evil > 'x/.git /y'
         echo 'gitdir: /tmp' > docs/.git; echo evil > git~1/config; echo evil > bare/config; echo ref > bare/HEAD
         echo hash > .git/refs/heads/main; echo o > .git/objects/ab/${"c".repeat(38)}; echo ok > ok`,
      );
      const changes = await sandbox.changes();
      expect(changes.map(line)).toEqual(["added ok"]);
      expect(changes.git).toHaveLength(10);
      expect((await sandbox.apply({ changes })).applied.map(line)).toEqual(["added ok"]);
      const named = await sandbox.apply({ changes, only: ".git/config" });
      expect(named.refused.map(({ code }) => code)).toEqual(["git"]);
      const commits = await sandbox.apply({ changes, only: ({ path }) => path !== "ok", git: "commits" });
      expect(commits.applied.map(({ path }) => path)).toEqual([
        `.git/objects/ab/${"c".repeat(38)}`,
        ".git/refs/heads/main",
      ]);
      expect(readFileSync(join(folder, ".git/config"), "utf8")).toBe("[core]\n");
      for (const name of [".git/hooks", "sub", "x", "docs/.git", "git~1", "bare"])
        expect([name, existsSync(join(folder, name))]).toEqual([name, false]);
    },
  },
  {
    name: "toPatch: git apply makes the host's folder what the sandbox's is",
    async run(scene) {
      const folder = project(scene);
      const copy = join(scene.folder(), "copy");
      cpSync(folder, copy, { recursive: true });
      const sandbox = await scene.create(WRITE_ALL, { workspace: folder });
      await run(
        sandbox,
        `${EDITS}; printf 'no end' > docs/no-end; printf 'a\\r\\nb' >> same.txt; printf '\\377\\n' > latin; : > empty
         rm .gitignore; ln -s docs .gitignore; printf 'x' > 'sp ace'; head -c 5000 /dev/zero > zeros`,
      );
      const patch = await (await sandbox.changes()).toPatch();
      const git = (...args: string[]) =>
        execFileSync("git", ["-C", copy, ...args], { input: Buffer.from(patch), encoding: "utf8" });
      git("apply", "-");
      await sandbox.apply({ check: true });
      const list = (root: string) =>
        execFileSync(
          "sh",
          [
            "-c",
            "find . -path ./.git -prune -o ! -type d -printf '%p %y %l ' -exec sh -c 'test -L \"$1\" || cksum < \"$1\"; test -x \"$1\" && echo x' sh {} ';' | sort",
          ],
          { cwd: root, encoding: "utf8" },
        );
      expect(list(copy)).toBe(list(folder));
      git("apply", "--reverse", "-");
      expect(readFileSync(join(copy, "src/data.bin")).equals(Buffer.from([0, 1, 2, 255]))).toBe(true);
    },
  },
  {
    name: "discard: the sandbox has again what it began with, and commands that run are in the way",
    async run(scene) {
      await withProject(scene, async (sandbox, folder) => {
        await run(
          sandbox,
          `${EDITS}; rm -r src; echo x > src; mkdir shut; echo x > shut/x; chmod 0 shut; echo x > a.log`,
        );
        const sleeper = await sandbox.spawn(["sleep", "1000"]);
        await refused(sandbox.discard(), "COMMANDS_RUNNING");
        writeFileSync(join(folder, "docs/edit.md"), "the host's\n");
        const { updated } = await sandbox.discard({ running: "kill" });
        expect(updated).toEqual(["docs/edit.md"]);
        expect((await sleeper.exited).signal).toBe("SIGKILL");
        expect([...(await sandbox.changes({ ignored: true }))].map(line)).toEqual([]);
        expect(await sandbox.files.readText("docs/edit.md")).toBe("the host's\n");
        expect(await sandbox.files.readText("src/run.sh")).toBe("#!/bin/sh\n");
        expect(await sandbox.files.exists("a.log")).toBe(false);
      });
    },
  },
  {
    name: "a review sees files as they are, whatever hooks show or deny the agent",
    async run(scene) {
      const folder = project(scene);
      let asked = 0;
      const plugin = {
        name: "curtain",
        hooks: {
          filesystem: {
            access: {
              paths: ["./**"],
              handler: () => {
                asked++;
                return { verdict: "deny" as const, reason: "behind the curtain" };
              },
            },
          },
        },
      };
      const sandbox = await scene.create(
        { version: 1, filesystem: { write: ["."], deny: ["**/*.bin"] } },
        { workspace: folder, plugins: [plugin] },
      );
      expect(await sandbox.changes()).toHaveLength(0);
      expect((await shell(sandbox, "cat same.txt")).stdout).toBe("");
      expect(asked).toBeGreaterThan(0);
      const before = asked;
      expect(await sandbox.changes()).toHaveLength(0);
      expect(asked).toBe(before);
    },
  },
  {
    name: "only what may be written is reviewed, and each application is on the record",
    async run(scene) {
      const folder = project(scene);
      const policy = { version: 1, filesystem: { read: ["./src"], write: ["./docs", "./made/here"] } } as const;
      const sandbox = await scene.create(policy, { workspace: folder });
      chmodSync(join(folder, "src/run.sh"), 0o755);
      await run(sandbox, "echo x > docs/new; echo x > made/here/file; ln -s /etc docs/etc");
      expect((await sandbox.changes()).map(line)).toEqual(["added docs/etc", "added docs/new", "added made/here/file"]);
      const records: string[] = [];
      sandbox.events.on("record", (record) => {
        if (record.kind === "review.apply")
          records.push(`${record.outcome} ${record.path} ${record.code ?? ""}`.trim());
      });
      await sandbox.apply();
      expect(records).toEqual(["refused docs/etc link-leads-out", "applied docs/new", "applied made/here/file"]);
      expect(readFileSync(join(folder, "made/here/file"), "utf8")).toBe("x\n");
    },
  },
  {
    name: "a live workspace has no review, and one without a folder can only be looked at",
    async run(scene) {
      const live = await scene.create(WRITE_ALL, { workspace: { path: project(scene), mode: "mount" } });
      for (const operation of [live.changes(), live.apply(), live.discard()]) {
        await refused(operation, "REVIEW_UNAVAILABLE");
      }
      const empty = await scene.create(WRITE_ALL);
      await run(empty, "echo x > y");
      expect((await empty.changes()).map(line)).toEqual(["added y"]);
      await refused(empty.apply(), "REVIEW_UNAVAILABLE");
      await empty.discard();
      expect(await empty.files.exists("y")).toBe(false);
    },
  },
];
