/**
 * `files.watch`: what changes in a folder is told, and nothing is lost in silence.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { ChangesLost, FileChange, FileWatch, Sandbox } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell, until, within } from "../help.ts";
import { giveAway } from "../scene.ts";

/** The changes of a watch as lines, as they come. */
class Told {
  readonly lines: string[] = [];
  readonly ended: Promise<void>;

  constructor(watch: FileWatch) {
    this.ended = this.#read(watch);
    this.ended.catch(() => undefined);
  }

  async #read(watch: FileWatch): Promise<void> {
    for await (const change of watch) this.lines.push(lineOf(change));
  }

  async hear(line: string): Promise<void> {
    await until(() => this.lines.includes(line), `it tells of ${line}`).catch((error: unknown) =>
      expect.fail(`${error}: it told of ${JSON.stringify(this.lines.slice(-30))}`),
    );
  }
}

function lineOf(change: FileChange | ChangesLost): string {
  if (change.kind === "overflow") return "overflow";
  const from = change.from === undefined ? "" : `${change.from} to `;
  return `${change.kind} ${from}${change.path}${change.isDirectory ? "/" : ""}`;
}

/** A folder of the shared sandbox that no other case uses. */
async function place(sandbox: Sandbox, name: string): Promise<string> {
  await sandbox.files.mkdir(`writable/watched/${name}`, { recursive: true });
  return `writable/watched/${name}`;
}

export const watchCases: readonly Case[] = [
  {
    name: "watch() tells of what is created, modified, renamed and deleted, by commands and by the host",
    async run(scene) {
      const sandbox = await scene.shared();
      const folder = await place(sandbox, "plain");
      await using watch = await sandbox.files.watch(folder);
      const told = new Told(watch);
      await shell(sandbox, `cd ${folder}; echo one > a; mv a b; mkdir sub; echo deep > sub/unseen; rm b`);
      await sandbox.files.write(`${folder}/from-host`, "x");
      await sandbox.files.remove(`${folder}/sub`, { recursive: true });
      await told.hear("deleted sub/");
      expect(told.lines.filter((line) => !line.startsWith("modified"))).toEqual([
        ...["created a", "renamed a to b", "created sub/", "deleted b", "created from-host", "deleted sub/"],
      ]);
      expect(told.lines).toContain("modified a");
      expect(told.lines).toContain("modified from-host");
      await watch.close();
      await within(10_000, "the end of the iteration", told.ended);
    },
  },
  {
    name: "watch({ recursive }) follows folders that are made, moved about and moved away",
    async run(scene) {
      const sandbox = await scene.shared();
      const folder = await place(sandbox, "tree/top");
      await shell(sandbox, `cd ${folder}; mkdir -p old/deep`);
      await using watch = await sandbox.files.watch(folder, { recursive: true });
      const told = new Told(watch);
      await shell(sandbox, `cd ${folder}; echo > old/deep/file; mkdir -p new/er; mv old moved`);
      await told.hear("renamed old to moved/");
      await shell(sandbox, `cd ${folder}; echo > moved/deep/again; echo > new/er/file`);
      await told.hear("created moved/deep/again");
      await told.hear("created new/er/file");
      await shell(sandbox, `cd ${folder}; mv new ..; echo > ../new/er/unseen; echo > last`);
      await told.hear("created last");
      expect(told.lines).toContain("deleted new/");
      expect(told.lines.filter((line) => line.includes("unseen"))).toEqual([]);
      await shell(sandbox, `rm -rf ${folder}`);
      await told.hear("deleted /");
      await within(10_000, "the end with the folder", told.ended);
    },
  },
  {
    name: "watch() loses nothing in silence: who does not read gets an overflow, and the sandbox goes on",
    async run(scene) {
      const sandbox = await scene.shared();
      const folder = await place(sandbox, "flood");
      await using watch = await sandbox.files.watch(folder, { recursive: true });
      // The kernel keeps 16384 events by default, and the pipe and the credit some thousands more.
      const loop = "i=0; while [ $i -lt 15000 ]; do echo >&3; echo >&4; i=$((i+1)); done";
      await shell(sandbox, `cd "$1"; exec 3>"a$2" 4>"b$2"; ${loop}; mkdir late`, folder, "-long".repeat(40));
      const told = new Told(watch);
      await told.hear("overflow");
      await shell(sandbox, `echo > ${folder}/late/after`);
      await told.hear("created late/after");
    },
  },
  {
    name: "watch() sees what the host does in a mounted folder",
    notIn: () => undefined,
    async run(scene) {
      const workspace = scene.folder();
      const sandbox = await scene.create(
        { version: 1, filesystem: { write: ["."] } },
        { workspace: { path: workspace, mode: "mount" } },
      );
      await using watch = await sandbox.files.watch(".", { recursive: true });
      const told = new Told(watch);
      mkdirSync(join(workspace, "made"));
      giveAway(join(workspace, "made"));
      writeFileSync(join(workspace, "made/file"), "x");
      await told.hear("created made/file");
      renameSync(join(workspace, "made"), join(workspace, "renamed"));
      await told.hear("renamed made to renamed/");
      rmSync(join(workspace, "renamed"), { recursive: true });
      await told.hear("deleted renamed/");
    },
  },
  {
    name: "watch() watches what the agent may read: nothing denied, no link, no file, and so many at a time",
    async run(scene) {
      const sandbox = await scene.own();
      const { files } = sandbox;
      await refused(files.watch("secret"), "FILE_MISSING");
      await refused(files.watch("/root"), scene.place.docker ? "FILE_DENIED" : "FILE_MISSING");
      await refused(files.watch("writable/missing"), "FILE_MISSING");
      await refused(files.watch("writable/file.txt"), "FILE_FAILED");
      await shell(sandbox, "ln -s ../secret writable/to-folder; mkdir -p writable/in; ln -s / writable/in/root");
      await refused(files.watch("writable/to-folder"), "FILE_FAILED");
      await using readonly = await files.watch("readonly", { recursive: true });
      const watches = await Promise.all(Array.from({ length: 15 }, () => files.watch("writable", { recursive: true })));
      const error = await refused(files.watch("writable"), "FILE_FAILED");
      expect(error.details.errno).toBe("EMFILE");
      await watches[0]?.close();
      const again = await files.watch("writable");
      for (const watch of [...watches, again, readonly]) await watch.close();
    },
  },
  {
    name: "watch() ends with a denied folder left out, by an abort, and with the sandbox",
    async run(scene) {
      const policy = { version: 1, filesystem: { write: ["."], deny: ["./private"] } } as const;
      const workspace = scene.folder();
      mkdirSync(join(workspace, "private"));
      mkdirSync(join(workspace, "public"));
      giveAway(join(workspace, "private"), join(workspace, "public"));
      const sandbox = await scene.create(policy, { workspace: { path: workspace, mode: "mount" } });
      const abort = new AbortController();
      const [first, second] = [
        await sandbox.files.watch(".", { recursive: true, signal: abort.signal }),
        await sandbox.files.watch(".", { recursive: true }),
      ];
      const [one, two] = [new Told(first), new Told(second)];
      writeFileSync(join(workspace, "private/unseen"), "x");
      writeFileSync(join(workspace, "public/seen"), "x");
      await one.hear("created public/seen");
      await two.hear("created public/seen");
      expect([...one.lines, ...two.lines].filter((line) => line.includes("private/"))).toEqual([]);
      abort.abort();
      await refused(one.ended, "ABORTED");
      await refused(sandbox.files.watch(".", { signal: abort.signal }), "ABORTED");
      await sandbox.stop();
      await within(10_000, "the end with the sandbox", two.ended);
    },
  },
];
