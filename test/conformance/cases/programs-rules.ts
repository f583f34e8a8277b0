/**
 * Which programs may start: by name, path, glob, arguments and hash; asked about and hooked; and how a refusal looks.
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import {
  allow,
  definePlugin,
  deny,
  type ProcessSection,
  type ProcessStart,
  type Sandbox,
  type SandboxOptions,
} from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { refused, shell } from "../help.ts";
import { BIN, denialOf, problemsOf, workspaceWith } from "../mediation.ts";
import { giveAway, type Scene } from "../scene.ts";

const TOOLS = "/workspace/tools";

/** Copies of guest.c in `tools`. */
export async function withPrograms(
  scene: Scene,
  names: readonly string[],
  process: ProcessSection,
  options: Omit<SandboxOptions, "workspace"> = {},
): Promise<Sandbox> {
  const root = workspaceWith(scene, { "tools/": "" });
  for (const name of names) {
    const path = join(root, "tools", name);
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(scene.programs.guest, path);
    giveAway(dirname(path), path);
  }
  const policy = { version: 1, filesystem: { write: ["."] }, process } as const;
  const sandbox = await scene.create(policy, { workspace: root, ...options });
  problemsOf(sandbox);
  return sandbox;
}

/** What comes of starting a program from inside: "ran", or the name of the errno. */
export async function start(sandbox: Sandbox, program: string, ...args: readonly string[]): Promise<string> {
  const argv = [`${BIN}/guest`, "start", program, ...(args.length > 0 ? args : ["ready"])];
  const { stdout, signal } = await sandbox.exec(argv, { timeoutMs: 20_000 });
  return signal ?? stdout.trim();
}

/** By program of `tools`: what comes of starting it. */
async function expectStarts(sandbox: Sandbox, outcomes: Readonly<Record<string, string>>): Promise<void> {
  for (const [line, outcome] of Object.entries(outcomes)) {
    const [name = "", ...args] = line.split(" ");
    expect([line, await start(sandbox, `${TOOLS}/${name}`, ...args)]).toEqual([line, outcome]);
  }
}

export const programRuleCases: readonly Case[] = [
  {
    name: "where programs are listed, only those start: by path, and by globs that stay in a folder or do not",
    async run(scene) {
      const programs = ["one", "two", "sub/three", "deep/er/four"];
      const allowed = [`${BIN}/*`, `${TOOLS}/one`, `${TOOLS}/deep/**`];
      const sandbox = await withPrograms(scene, programs, { allow: allowed });
      expect(sandbox.enforcement.programs).toBe("decided");
      await expectStarts(sandbox, { one: "ran", two: "EACCES", "sub/three": "EACCES", "deep/er/four": "ran" });
      const shallow = await withPrograms(scene, programs, { allow: [`${BIN}/*`, `${TOOLS}/*`] });
      await expectStarts(shallow, { one: "ran", two: "ran", "sub/three": "EACCES", "deep/er/four": "EACCES" });
      const none = await withPrograms(scene, programs, { allow: [] });
      await refused(none.exec([`${TOOLS}/one`, "ready"]), "EXEC_FAILED");
    },
  },
  {
    name: "a name is a program on the sandbox's PATH, and nothing of that name elsewhere",
    async run(scene) {
      const env = { PATH: `${TOOLS}/first:${TOOLS}/second` };
      const programs = ["first/one", "second/one", "second/two", "third/one"];
      const sandbox = await withPrograms(scene, programs, { allow: [`${BIN}/*`, "one"] }, { env });
      await expectStarts(sandbox, { "first/one": "ran", "second/two": "EACCES", "third/one": "EACCES" });
      expect((await sandbox.exec(["one", "ready"])).stdout).toBe("ran\n");
      const error = await refused(sandbox.exec(["two", "ready"]), "EXEC_FAILED");
      expect(error.details).toMatchObject({ errno: "EACCES" });
      // A PATH that the agent sets for itself makes nothing a program of that name.
      await refused(sandbox.exec(["one", "ready"], { env: { PATH: `${TOOLS}/third` } }), "EXEC_FAILED");
    },
  },
  {
    name: "arguments are part of a rule: one pattern for each, ** for any number",
    async run(scene) {
      const sandbox = await withPrograms(scene, ["one", "two", "three"], {
        allow: [
          `${BIN}/*`,
          { binary: `${TOOLS}/one`, args: ["ready"] },
          { binary: `${TOOLS}/two`, args: ["exit", "*"] },
          { binary: `${TOOLS}/three` },
        ],
        deny: [{ id: "no-exit", binary: `${TOOLS}/three`, args: ["exit", "**"] }],
      });
      await expectStarts(sandbox, {
        one: "ran",
        "one exit 0": "EACCES",
        "one ready now": "EACCES",
        "two exit 0": "",
        "two exit 0 1": "EACCES",
        two: "EACCES",
        three: "ran",
        "three exit": "EACCES",
        "three exit 0 1 2": "EACCES",
        "three ready exit": "ran",
      });
      const record = await denialOf(sandbox, `${TOOLS}/three`);
      expect(record).toMatchObject({ domain: "process", operation: "start", ruleId: "no-exit" });
      expect(record.argv?.slice(1)).toEqual(["exit"]);
    },
  },
  {
    name: "a hash is part of a rule: a changed program does not start",
    async run(scene) {
      const sha256 = createHash("sha256").update(readFileSync(scene.programs.guest)).digest("hex");
      const sandbox = await withPrograms(scene, ["one", "two"], {
        allow: [
          `${BIN}/*`,
          { binary: `${TOOLS}/one`, sha256 },
          { binary: `${TOOLS}/two`, sha256: sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) },
        ],
      });
      await expectStarts(sandbox, { one: "ran", two: "EACCES" });
      await sandbox.files.write(`${TOOLS}/one`, " ", { append: true });
      await expectStarts(sandbox, { one: "EACCES" });
    },
  },
  {
    name: "a denial is final, by whatever name the program is reached",
    async run(scene) {
      const sandbox = await withPrograms(scene, ["one", "two"], {
        allow: [`${BIN}/*`, `${TOOLS}/**`],
        deny: [{ id: "no-one", binary: `${TOOLS}/one` }],
      });
      await sandbox.exec([`${BIN}/mediate`], {
        stdin: `symlinkat absolute ${TOOLS}/unused\nmkdirat absolute ${TOOLS}/folder\n`,
      });
      await expectStarts(sandbox, { two: "ran", one: "EACCES", "../tools/one": "EACCES", "folder/../one": "EACCES" });
      expect(await start(sandbox, `/proc/self/cwd/tools/one`)).toBe("EACCES");
      const onlyDenied = await withPrograms(scene, ["one", "two"], { deny: [`${TOOLS}/one`] });
      await shell(onlyDenied, "ln -s one tools/link");
      await expectStarts(onlyDenied, { two: "ran", one: "EACCES", link: "EACCES" });
    },
  },
  {
    name: "a refusal is EACCES to the program, an error to the host, and explained in a file that the agent can read",
    async run(scene) {
      const sandbox = await withPrograms(scene, ["one"], { deny: [{ id: "no-one", binary: `${TOOLS}/one` }] });
      const { stdout } = await shell(sandbox, 'tools/one ready; echo $?; cat "$COFFERDAM_DENIALS"');
      const [status, ...lines] = stdout.trim().split("\n");
      expect(status).toBe("126");
      const notes = lines.map((line) => JSON.parse(line) as { denied: string; path: string; why: string });
      expect(notes.at(-1)).toMatchObject({ denied: "start", path: `${TOOLS}/one` });
      expect(notes.at(-1)?.why).toMatch(/rule/);
      const error = await refused(sandbox.exec([`${TOOLS}/one`, "ready"]), "EXEC_FAILED");
      expect(error.details).toMatchObject({ errno: "EACCES" });
      expect(await denialOf(sandbox, `${TOOLS}/one`)).toMatchObject({
        ruleId: "no-one",
        decidedBy: { kind: "policy" },
      });
    },
  },
  {
    name: "an approver is asked about starts, with all that is known of them",
    async run(scene) {
      const asked: ProcessStart[] = [];
      const sandbox = await withPrograms(
        scene,
        ["one", "two"],
        { ask: [{ id: "asks", binary: `${TOOLS}/*` }] },
        {
          approve: (request) => {
            if (request.domain !== "process") return false;
            asked.push(request.start);
            return request.start.path === `${TOOLS}/one`;
          },
        },
      );
      await expectStarts(sandbox, { one: "ran", two: "EACCES" });
      expect(asked.map(({ path, argv, cwd, verdict, ruleId }) => ({ path, argv, cwd, verdict, ruleId }))).toEqual(
        ["one", "two"].map((name) => ({
          path: `${TOOLS}/${name}`,
          argv: [`${TOOLS}/${name}`, "ready"],
          cwd: "/workspace",
          verdict: "ask",
          ruleId: "asks",
        })),
      );
      expect(asked[0]?.pid).toBeGreaterThan(1);
    },
  },
  {
    name: "hooks decide about starts: what they deny, or fail about, does not start",
    async run(scene) {
      const seen: ProcessStart[] = [];
      const plugin = definePlugin(() => ({
        name: "starts",
        hooks: {
          process: {
            start: {
              binaries: [`${TOOLS}/*`],
              handler: (start) => {
                seen.push(start);
                if (start.argv.includes("--forbidden")) return deny("not with that flag");
                if (start.path.endsWith("/broken")) throw new Error("the hook is broken");
                return start.path.endsWith("/open") ? allow() : undefined;
              },
            },
          },
        },
      }))();
      const sandbox = await withPrograms(scene, ["one", "open", "broken"], {}, { plugins: [plugin] });
      await expectStarts(sandbox, { one: "ran", open: "ran", "one ready --forbidden": "EACCES", broken: "EACCES" });
      await refused(sandbox.exec([`${TOOLS}/broken`, "ready"]), "EXEC_FAILED");
      expect(seen.length).toBe(5);
      expect(seen[0]).toMatchObject({ path: `${TOOLS}/one`, cwd: "/workspace", verdict: "allow" });
      expect(await denialOf(sandbox, `${TOOLS}/broken`)).toMatchObject({
        domain: "process",
        operation: "start",
        decidedBy: { kind: "plugin", name: "starts" },
      });
      expect((await sandbox.exec(["echo", "alive"])).stdout).toBe("alive\n");
    },
  },
  {
    name: "where what nothing matches is asked about, an unlisted program starts if the approver agrees",
    async run(scene) {
      const process: ProcessSection = { allow: [`${BIN}/*`], unmatched: "ask" };
      const sandbox = await withPrograms(scene, ["one", "two"], process, {
        approve: (request) => request.domain === "process" && request.start.path === `${TOOLS}/one`,
      });
      await expectStarts(sandbox, { one: "ran", two: "EACCES" });
    },
  },
];
