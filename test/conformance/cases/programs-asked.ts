/**
 * What is asked about a start is what starts: all of its arguments, its working directory, and that its file is read.
 */
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import {
  type AccessHandler,
  type ApprovalRequest,
  definePlugin,
  deny,
  type Plugin,
  type Sandbox,
  type StartHandler,
  substitute,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { Listener, shell, until } from "../help.ts";
import { BIN, problemsOf, recorded, sandboxWith, workspaceWith } from "../mediation.ts";
import { giveAway, type Scene } from "../scene.ts";
import { start, withPrograms } from "./programs-rules.ts";

const WRITE = { filesystem: { write: ["."] } };
const KEPT = "/workspace/kept";
/** As many as the link carries in one list. */
const ARGUMENTS_MAX = 65536;

function starts(handler: StartHandler): Plugin {
  return definePlugin(() => ({ name: "starts", hooks: { process: { start: handler } } }))();
}

/** A workspace with programs in `kept`: one that starts by itself, and what another one names as its interpreter. */
function keptPrograms(scene: Scene): string {
  const root = workspaceWith(scene, { "kept/": "", "free/": "" });
  const { guest, mapped } = scene.programs;
  for (const [name, program] of [
    ["kept/guest", guest],
    ["kept/interpreter", mapped.allowed],
    ["free/interpreted", mapped.interpreted],
    ["free/interpreter", mapped.allowed],
  ] as const) {
    copyFileSync(program, join(root, name));
    chmodSync(join(root, name), 0o755);
    giveAway(join(root, name));
  }
  symlinkSync("../kept/interpreter", join(root, "free/l"));
  symlinkSync("interpreter", join(root, "kept/l"));
  return root;
}

/** What comes of starting the program that names an interpreter, from a folder whose `l` is that. */
async function interpreted(sandbox: Sandbox, cwd: string): Promise<string> {
  const argv = [`${BIN}/guest`, "start", "/workspace/free/interpreted"];
  const { stdout, exitCode } = await sandbox.exec(argv, { cwd });
  return stdout.trim() || `status ${exitCode}`;
}

export const programAskedCases: readonly Case[] = [
  {
    name: "a hook on starts sees all arguments, or the program does not start: a script adds to them",
    async run(scene) {
      let most = 0;
      const plugin = starts(({ argv }) => {
        most = Math.max(most, argv.length);
        return argv.includes("--forbidden") ? deny("not with that flag") : undefined;
      });
      const { sandbox } = await sandboxWith(scene, { script: `#!${BIN}/guest exit 7\n` }, WRITE, { plugins: [plugin] });
      await sandbox.exec([`${BIN}/attack`, "chmod", "/workspace/script"]);
      const begin = async (count: number, last: string) => {
        const argv = [`${BIN}/guest`, "start-many", "/workspace/script", String(count), last];
        const { stdout, exitCode } = await sandbox.exec(argv);
        return stdout.trim() || `status ${exitCode}`;
      };
      // The interpreter and its argument come before the script.
      const fits = ARGUMENTS_MAX - 2;
      expect(await begin(fits, "fine")).toBe("status 2");
      expect(await begin(fits, "forbidden")).toBe("EACCES");
      expect(most).toBe(ARGUMENTS_MAX);
      for (const count of [fits + 1, ARGUMENTS_MAX]) expect(await begin(count, "forbidden")).toBe("E2BIG");
      await recorded(sandbox, ({ reason = "" }) => reason.includes("too long"), "they were too long");
    },
  },
  {
    name: "a program that goes elsewhere while somebody is asked about it does not start there",
    async run(scene) {
      const seen: string[] = [];
      let moved = false;
      const plugin = starts(async ({ argv, cwd }) => {
        if (argv[1] !== "ready") return undefined;
        seen.push(cwd);
        if (argv.includes("later")) await until(() => moved, "it went elsewhere");
        return undefined;
      });
      const { sandbox } = await sandboxWith(scene, { "here/": "", "there/": "" }, WRITE, { plugins: [plugin] });
      const argv = [`${BIN}/guest`, "start-moved", "/workspace/there", `${BIN}/guest`, "ready"];
      const options = { cwd: "/workspace/here" };
      expect((await sandbox.exec(argv, options)).stdout).toBe("ran\n");
      const command = await sandbox.spawn([...argv, "later"], { ...options, stdin: "pipe" });
      const listener = new Listener(command);
      await until(() => seen.length === 2, "it is asked about");
      await command.stdin.write("x");
      await listener.hear("moved");
      moved = true;
      expect((await command.exited).signal).toBe("SIGKILL");
      expect([listener.all, ...seen]).toEqual(["moved\n", "/workspace/here", "/workspace/here"]);
    },
  },
  {
    name: "a program that is changed while somebody is asked about it does not start as what it was",
    async run(scene) {
      const path = "/workspace/tools/one";
      const hashes: (string | undefined)[] = [];
      let changed = false;
      const sandbox = await withPrograms(
        scene,
        ["one"],
        { ask: [path] },
        {
          approve: async (request) => {
            if (request.domain !== "process") return false;
            hashes.push(request.start.sha256);
            await until(() => changed, "it was changed");
            return true;
          },
        },
      );
      const started = start(sandbox, path);
      await until(() => hashes.length === 1, "it is asked about");
      await shell(sandbox, `cat bin/flip > ${path}`);
      changed = true;
      expect(await started).toBe("SIGKILL");
      await shell(sandbox, `cat bin/guest > ${path}`);
      expect(await start(sandbox, path)).toBe("ran");
      const sha256 = createHash("sha256").update(readFileSync(scene.programs.guest)).digest("hex");
      expect(hashes).toEqual([sha256, sha256]);
    },
  },
  {
    name: "a program is not started unasked where its reading is asked about, nor mapped for another one",
    async run(scene) {
      // One that cannot be changed still names its interpreter from wherever it is started.
      for (const granted of [{ write: ["."] }, { read: ["."] }]) {
        const questions: ApprovalRequest[] = [];
        let answer = false;
        const sandbox = await scene.create(
          { version: 1, filesystem: { ...granted, ask: [{ id: "kept", path: "./kept" }] } },
          {
            workspace: keptPrograms(scene),
            approve: (request) => {
              questions.push(request);
              return answer;
            },
          },
        );
        problemsOf(sandbox);
        expect(await start(sandbox, `${KEPT}/guest`)).toBe("EACCES");
        expect(await interpreted(sandbox, "/workspace/free")).toBe("EACCES");
        answer = true;
        expect(await start(sandbox, `${KEPT}/guest`)).toBe("ran");
        expect(await interpreted(sandbox, "/workspace/free")).toBe("status 10");
        const asked = ["guest", "interpreter"].map((name) => ({ operation: "read", path: `${KEPT}/${name}` }));
        const accesses = questions.map((each) => each.domain === "filesystem" && each.access);
        expect(accesses).toMatchObject([...asked, ...asked]);
        expect(questions[0]?.ruleId).toBe("kept");
      }
    },
  },
  {
    name: "a hook that keeps a file from being read keeps it from being started, and gives a start nothing else to read",
    async run(scene) {
      for (const verdict of [deny("nobody reads it"), substitute("#!/bin/sh\n")]) {
        const handler: AccessHandler = () => verdict;
        const access = { paths: ["./kept"], operations: ["read" as const], handler };
        const plugin = definePlugin(() => ({ name: "keeper", hooks: { filesystem: { access } } }))();
        const sandbox = await scene.create(
          { version: 1, ...WRITE },
          { workspace: keptPrograms(scene), plugins: [plugin] },
        );
        problemsOf(sandbox);
        expect(await start(sandbox, `${KEPT}/guest`)).toBe("EACCES");
        expect(await interpreted(sandbox, "/workspace/free")).toBe("EACCES");
        expect(await start(sandbox, `${BIN}/guest`)).toBe("ran");
      }
    },
  },
];
