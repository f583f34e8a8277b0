/**
 * Races: what a call is told changes while it is judged. race-control.test.ts shows that each of them is won against a
 * supervisor that lets a judged call continue; here not one of 20,000 tries may reach what is denied.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { definePlugin, deny, type Plugin, type Policy, type SandboxOptions } from "../../../src/mod.ts";
import type { Case } from "../case.ts";
import { BIN, workspaceWith } from "../mediation.ts";
import { isRoot, ORDINARY_UID } from "../places.ts";
import { makeRaceFiles, RACES, type Race, readCounts } from "../racing.ts";
import { giveAway, type Scene } from "../scene.ts";

/** An ordinary user, and scripts/test.sh, are asked for fewer. */
const TRIES = Number(process.env.COFFERDAM_TEST_RACES ?? 20_000);
/** Starts take longer than other calls: they are raced in parts, each with a time of its own. */
const START_PARTS = 4;
/** How often they are tried anew until both were met. */
const ROUNDS = 10;
const FOLDER = "/workspace/race";

const FILES: Policy = { version: 1, filesystem: { write: ["."], deny: ["./race/d", "./race/dd"] } };

/** Only starts are decided by rules here: what is denied may be read. */
const STARTS: Policy = {
  version: 1,
  filesystem: { write: ["."] },
  process: { allow: [`${BIN}/*`, `${FOLDER}/a`], deny: [{ binary: `${FOLDER}/*`, args: ["d"] }] },
};

/** The agent makes both sockets, so only connecting is denied. */
const sockets: () => Plugin = definePlugin(() => ({
  name: "sockets",
  hooks: {
    filesystem: {
      access: {
        operations: ["connect"],
        handler: ({ path }) => (path === `${FOLDER}/sd` ? deny("nobody calls here") : undefined),
      },
    },
  },
}));

function setting(kind: string): { policy: Policy; options: SandboxOptions } {
  if (kind === "execve" || kind === "argument") return { policy: STARTS, options: {} };
  return { policy: FILES, options: kind === "connect" ? { plugins: [sockets()] } : {} };
}

/** Exchanges two names on the host until the case ends. */
async function flipOutside(scene: Scene, paths: readonly string[]): Promise<void> {
  const user = isRoot ? { uid: ORDINARY_UID, gid: ORDINARY_UID } : {};
  const flipper = spawn(scene.programs.flip, ["exchange", ...paths], { stdio: ["pipe", "pipe", "inherit"], ...user });
  scene.defer(async () => {
    flipper.stdin.end();
    if (flipper.exitCode === null && flipper.signalCode === null) await once(flipper, "exit");
  });
  await once(flipper.stdout, "data");
}

async function race(scene: Scene, { kind, flipsOutside }: Race, tries: number): Promise<void> {
  const root = workspaceWith(scene, { "race/": "" });
  const folder = join(root, "race");
  makeRaceFiles(folder, kind, scene.programs);
  const { policy, options } = setting(kind);
  const sandbox = await scene.create(policy, { workspace: { path: root, mode: "mount" }, ...options });
  if (flipsOutside !== undefined) {
    await flipOutside(
      scene,
      flipsOutside.map((name) => join(folder, name)),
    );
  }
  const argv = [`${BIN}/flip`, kind, String(tries), FOLDER];
  const met = { allowed: 0, stopped: 0 };
  // It must have been a race at all: sometimes the one was there, and sometimes the other. On a busy machine whoever flips
  // may get no turn through all the tries; then they are tried anew.
  for (let round = 0; round < ROUNDS && (met.allowed === 0 || met.stopped === 0); round++) {
    const result = await sandbox.exec(argv, { timeoutMs: 58_000 });
    expect([result.timedOut, result.stderr]).toEqual([false, ""]);
    const counts = readCounts(result.stdout);
    expect(counts).toMatchObject({ tries, denied: 0 });
    met.allowed += counts.allowed;
    met.stopped += counts.refused + counts.killed;
  }
  expect(met.allowed).toBeGreaterThan(0);
  expect(met.stopped).toBeGreaterThan(0);
}

export const raceCases: readonly Case[] = [
  ...RACES.flatMap((each) => {
    // These ask the host, or stop each program: in one piece they may outlast a busy machine.
    const parts = ["execve", "argument", "interpreter", "connect"].includes(each.kind) ? START_PARTS : 1;
    return Array.from(
      { length: parts },
      (_, part): Case => ({
        name: `the race of ${each.kind} is not won in any of many tries${parts > 1 ? ` (part ${part + 1} of ${parts})` : ""}`,
        run: (scene) => race(scene, each, Math.ceil(TRIES / parts)),
      }),
    );
  }),
  {
    name: "a program that is replaced while it is judged does not run in the place of the one that was",
    async run(scene) {
      const root = workspaceWith(scene, {});
      const folder = join(root, "race");
      mkdirSync(folder);
      for (const [name, program] of [
        ["good", scene.programs.guest],
        ["evil", scene.programs.flip],
      ] as const) {
        copyFileSync(program, join(folder, name));
        chmodSync(join(folder, name), 0o755);
        giveAway(join(folder, name));
      }
      giveAway(folder);
      const sha256 = createHash("sha256").update(readFileSync(scene.programs.guest)).digest("hex");
      const sandbox = await scene.create(
        {
          version: 1,
          filesystem: { write: ["."] },
          process: { allow: [`${BIN}/*`, { binary: `${FOLDER}/good`, sha256 }] },
        },
        { workspace: { path: root, mode: "mount" } },
      );
      await flipOutside(scene, [join(folder, "good"), join(folder, "evil")]);
      const argv = [`${BIN}/guest`, "again", "3000", `${FOLDER}/good`, "exit", "0"];
      const { stdout, timedOut } = await sandbox.exec(argv, { timeoutMs: 55_000 });
      expect(timedOut).toBe(false);
      // The evil one ends with another status.
      expect(stdout).toMatch(/^well [1-9]\d* stopped [1-9]\d* other 0\n$/);
    },
  },
];
