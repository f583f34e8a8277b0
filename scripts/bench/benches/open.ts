/** What opening a file takes in each mode, and how much of that a sandbox adds. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BARE_MODES, BARE_NOTE, bareIn, underBareSupervisor } from "../bare.ts";
import { runCommand } from "../command.ts";
import { addedTo, atMost, interleave } from "../measure.ts";
import { MODES, type Mode, type ModeSandboxes, openModes, sandboxIn } from "../modes.ts";
import { buildInto, microseconds, PROCESSOR } from "../native.ts";
import { createPinned } from "../pinned.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const OUTSIDE = "outside, no sandbox";
const ROUNDS = { full: 20, quick: 5, warmUp: 2 };
/** What each mode may add, in microseconds, where agent and warden share a processor. */
const LIMITS: Readonly<Record<Mode, number>> = { floor: 1, trapped: 12, emulated: 40 };
/** How often a program opens the file; what it prints is the median of that. */
const COUNTS: Readonly<Record<Mode | "outside", number>> = {
  outside: 50_000,
  floor: 50_000,
  trapped: 20_000,
  emulated: 5000,
};

/** A file, and where programs that open it run. */
interface Place {
  readonly folder: string;
  readonly path: string;
  readonly processor: string;
}

/** The bench. */
export const openBench: Bench = {
  key: "open",
  async *run(context) {
    // Both sides name the files alike: relative to a workspace, and by the same absolute path.
    const folder = join(context.scratch, "open");
    await mkdir(folder);
    await buildInto(folder, "open_close", "bare_supervisor");
    await writeFile(join(folder, "granted.txt"), "granted\n");
    const create = (mode: Mode) => sandboxIn(mode, { runtime: "local", workspace: folder });
    for (const processor of [PROCESSOR, "any"]) {
      const pinned = processor !== "any";
      const place: Place = { folder, path: "granted.txt", processor };
      await using modes = await openModes(
        (mode) => (pinned ? createPinned(() => create(mode)) : create(mode)),
        (sandbox) => sandbox.exec(argvOf(place, 10), { check: true }),
      );
      yield await compare(context, modes, place, "a file of the workspace");
      if (pinned) yield await compare(context, modes, { ...place, path: "/usr/bin/env" }, "/usr/bin/env");
      modes.assertComplete();
    }
  },
};

async function compare(context: BenchContext, modes: ModeSandboxes, place: Place, what: string): Promise<Table> {
  const contestants = [...modes.sandboxes].map(
    ([mode, sandbox]): Contestant => ({
      name: inside(mode),
      run: async () => microseconds((await sandbox.exec(argvOf(place, count(context, mode)), { check: true })).stdout),
    }),
  );
  const outside: Contestant = {
    name: OUTSIDE,
    run: async () =>
      microseconds((await runCommand(argvOf(place, count(context, "outside")), { cwd: place.folder })).toString()),
  };
  const bare = BARE_MODES.map(
    (mode): Contestant => ({
      name: bareIn(mode),
      run: async () => {
        const supervisor = { path: "./bare_supervisor", processor: place.processor };
        const argv = underBareSupervisor(supervisor, mode, argvOf(place, count(context, mode)));
        return microseconds((await runCommand(argv, { cwd: place.folder })).toString());
      },
    }),
  );
  const rows = await interleave(context, [...contestants, ...bare, outside], ROUNDS);
  const pinned = place.processor !== "any";
  const added = MODES.filter((mode) => modes.sandboxes.has(mode)).map((mode) => {
    const target = { ...atMost(LIMITS[mode], "µs"), text: `≤ +${LIMITS[mode]} µs` };
    return { ...addedTo(rows, inside(mode), OUTSIDE, `cofferdam adds, ${mode}`), ...(pinned ? { target } : {}) };
  });
  const notes = [
    "each sample is the median of one program's opens; what is added is taken round by round",
    pinned ? "the sandbox, its warden included, is on one processor" : "the kernel chooses the processors",
    BARE_NOTE,
  ];
  const bareAdded = BARE_MODES.map((mode) => addedTo(rows, bareIn(mode), OUTSIDE, `${bareIn(mode)}, adds`));
  return {
    title: `open and close ${what}, ${pinned ? "pinned" : "unpinned"}`,
    unit: "µs",
    rows: [...rows, ...added, ...bareAdded],
    notes,
  };
}

function inside(mode: Mode): string {
  return `cofferdam, ${mode}`;
}

function count(context: BenchContext, where: Mode | "outside"): number {
  return context.quick ? COUNTS[where] / 5 : COUNTS[where];
}

function argvOf({ path, processor }: Place, count: number): readonly [string, ...string[]] {
  return ["./open_close", processor, String(count), path];
}
