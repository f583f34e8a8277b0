/** What of a sandbox's changes reaches the host, and what does not. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused } from "../help.ts";
import { EDITED, EDITS, line, project, run, WRITE_ALL, withProject } from "../review-scene.ts";

export const reviewApplyCases: readonly Case[] = [
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
    name: "apply: git's own files are left alone under every spelling, but for commits where they are wanted",
    async run(scene) {
      const folder = project(scene);
      const sandbox = await scene.create(WRITE_ALL, { workspace: folder });
      await run(
        sandbox,
        `mkdir -p .git/hooks .git/refs/heads .git/objects/ab sub/.GIT/hooks 'x/.git ' bare/objects bare/refs git~1 pointer
         echo evil > .git/hooks/pre-commit; echo evil >> .git/config; echo evil > sub/.GIT/hooks/x; echo evil > 'x/.git /y'
         echo 'gitdir: /tmp' > docs/.git; echo evil > git~1/config; echo evil > bare/config; echo ref > bare/HEAD
         echo hash > .git/refs/heads/main; echo o > .git/objects/ab/${"c".repeat(38)}; echo ok > ok
         echo ref > pointer/HEAD; echo ../parts > pointer/commondir; echo evil > pointer/config.worktree`,
      );
      const changes = await sandbox.changes();
      expect(changes.map(line)).toEqual(["added ok"]);
      expect(changes.git).toHaveLength(13);
      expect((await sandbox.apply({ changes })).applied.map(line)).toEqual(["added ok"]);
      const named = await sandbox.apply({ changes, only: ".git/config" });
      expect(named.refused.map(({ code }) => code)).toEqual(["git"]);
      const commits = await sandbox.apply({ changes, only: ({ path }) => path !== "ok", git: "commits" });
      expect(commits.applied.map(({ path }) => path)).toEqual([
        `.git/objects/ab/${"c".repeat(38)}`,
        ".git/refs/heads/main",
      ]);
      expect(readFileSync(join(folder, ".git/config"), "utf8")).toBe("[core]\n");
      for (const name of [".git/hooks", "sub", "x", "docs/.git", "git~1", "bare", "pointer"])
        expect([name, existsSync(join(folder, name))]).toEqual([name, false]);
    },
  },
];
