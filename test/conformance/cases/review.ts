/**
 * What a sandbox changed, and what of it reaches the host: the same on every runtime, for copies and for overlays.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";
import { EDITED, EDITS, line, project, run, WRITE_ALL, withProject } from "../review-scene.ts";

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
    name: "changes: more of paths than this process is to hold is an error",
    async run(scene) {
      const sandbox = await scene.create(WRITE_ALL, { workspace: project(scene) });
      const deep = "n=$(printf 'd%.0s' $(seq 250)); for i in $(seq 15); do mkdir $n && cd $n; done";
      await run(sandbox, `${deep}; seq 19000 | xargs touch`);
      expect((await refused(sandbox.changes(), "REVIEW_FAILED")).message).toContain("bytes together");
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
