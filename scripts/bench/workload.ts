/** Real work in each mode, beside the same work without a sandbox. */
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "../../src/mod.ts";
import { BARE_MODES, BARE_NOTE, bareIn, underBareSupervisor } from "./bare.ts";
import { runCommand } from "./command.ts";
import { interleave, type Rounds, timesOf } from "./measure.ts";
import { MODES, type Mode, openModes, sandboxIn } from "./modes.ts";
import { buildInto } from "./native.ts";
import type { BenchContext, Contestant, Table, Target } from "./types.ts";

/** Some work. Its folder is all that it needs beside the system: each sandbox gets a copy as its workspace. */
export interface Workload {
  readonly title: string;
  readonly folder: string;
  /** Where it runs, relative to the folder. */
  readonly cwd: string;
  readonly argv: readonly [string, ...string[]];
  /** Runs before each, and is not timed. */
  readonly before?: readonly [string, ...string[]];
  /** All the variables that it has, given where the folder is. */
  env(folder: string): Readonly<Record<string, string>>;
  /** Whether it is mostly calls that a supervisor sees, so that one who looks at nothing says what the kernel takes. */
  readonly mostlyOpens?: boolean;
  /** How many times as long as without a sandbox it may take. */
  readonly limits: Readonly<Record<Mode, number>>;
  readonly rounds: Rounds;
  readonly notes: readonly string[];
}

const OUTSIDE = "no sandbox";
/** A user that no distribution hands out. */
const ORDINARY_ID = 1_899_999_999;

/** Where it can run: runs a program to its end there, and gives its output. */
interface Place {
  readonly root: string;
  run(argv: readonly [string, ...string[]], cwd: string, env: Readonly<Record<string, string>>): Promise<string>;
}

/** Compares them: how long it takes, and then the ratios. A mode in which it does not work is thrown at the end. */
export async function* compareModes(context: BenchContext, workload: Workload): AsyncIterable<Table> {
  const { title, folder, limits, notes, rounds } = workload;
  await buildInto(folder, "stopwatch", "bare_supervisor");
  const user = await ordinaryUser(context, folder);
  // The work without a sandbox must go well, or nothing is comparable.
  const here = outside(folder, user);
  await measure(here, workload);
  await using modes = await openModes(
    (mode) => sandboxIn(mode, { runtime: "local", workspace: folder }),
    (sandbox) => measure(inside(sandbox), workload),
  );
  const contestants = [...modes.sandboxes].map(
    ([mode, sandbox]): Contestant => ({ name: nameOf(mode), run: () => measure(inside(sandbox), workload) }),
  );
  const bare = (workload.mostlyOpens ? BARE_MODES : []).map(
    (mode): Contestant => ({ name: bareIn(mode), run: () => measure(bareOutside(here, mode), workload) }),
  );
  const rows = await interleave(
    context,
    [...contestants, ...bare, { name: OUTSIDE, run: () => measure(here, workload) }],
    rounds,
  );
  yield { title, unit: "ms", rows, notes: bare.length > 0 ? [...notes, BARE_NOTE] : notes };
  const ratios = MODES.filter((mode) => modes.sandboxes.has(mode)).map((mode) => ({
    ...timesOf(rows, nameOf(mode), OUTSIDE, nameOf(mode)),
    target: atMostTimes(limits[mode]),
  }));
  const bareRatios = bare.map(({ name }) => timesOf(rows, name, OUTSIDE, name));
  yield {
    title: `${title}: as long as without a sandbox`,
    unit: "×",
    rows: [...ratios, ...bareRatios],
    notes: ["taken round by round"],
  };
  modes.assertComplete();
}

/** Does the work once, and gives its milliseconds: taken where it runs, for starting it from here is not what is compared. */
async function measure(place: Place, { argv, before, cwd, env }: Workload): Promise<number> {
  const variables = env(place.root);
  if (before !== undefined) await place.run(before, cwd, variables);
  return Number(await place.run([join(place.root, "stopwatch"), ...argv], cwd, variables));
}

function inside(sandbox: Sandbox): Place {
  return {
    root: "/workspace",
    run: async (argv, cwd, env) => (await sandbox.exec(argv, { cwd, env, check: true })).stdout,
  };
}

/** An ordinary user, as there is in the sandbox: root's programs do other things, npm for instance changes owners. */
async function ordinaryUser(context: BenchContext, folder: string): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  await chmod(context.scratch, 0o711);
  await runCommand(["chown", "-R", `${ORDINARY_ID}:${ORDINARY_ID}`, folder]);
  return { uid: ORDINARY_ID, gid: ORDINARY_ID };
}

function outside(folder: string, user: { uid?: number; gid?: number }): Place {
  return {
    root: folder,
    run: async (argv, cwd, env) => (await runCommand(argv, { cwd: join(folder, cwd), env, ...user })).toString(),
  };
}

/** The same place, where all that runs is under a supervisor that looks at nothing. */
function bareOutside(place: Place, mode: (typeof BARE_MODES)[number]): Place {
  const supervisor = { path: join(place.root, "bare_supervisor"), processor: "any" };
  return {
    root: place.root,
    run: (argv, cwd, env) => place.run(underBareSupervisor(supervisor, mode, argv), cwd, env),
  };
}

function nameOf(mode: Mode): string {
  return `cofferdam, ${mode}`;
}

function atMostTimes(value: number): Target {
  return { text: `≤ ${value}×`, bound: () => value };
}
