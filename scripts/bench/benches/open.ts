/** What the floor adds to opening a file. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { atMost, interleave } from "../measure.ts";
import { localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Row, Table } from "../types.ts";

const SOURCE = fileURLToPath(new URL("../native/open_close.c", import.meta.url));
const INSIDE = "cofferdam, on the floor";
const OUTSIDE = "outside, no sandbox";

/** The bench. */
export const openBench: Bench = {
  key: "open",
  async *run(context) {
    // Both sides name the files alike: relative to a workspace, and by the same absolute path.
    const folder = join(context.scratch, "open");
    await mkdir(folder);
    await runCommand(["cc", "-O2", "-static", "-o", join(folder, "open_close"), SOURCE]);
    await writeFile(join(folder, "granted.txt"), "granted\n");
    await using sandbox = await localSandbox({ workspace: folder });
    yield await compare(context, sandbox, folder, "granted.txt", "a file of the workspace");
    yield await compare(context, sandbox, folder, "/usr/bin/env", "/usr/bin/env");
  },
};

async function compare(
  context: BenchContext,
  sandbox: Sandbox,
  folder: string,
  path: string,
  what: string,
): Promise<Table> {
  const argv = ["./open_close", "1", String(context.quick ? 20_000 : 100_000), path] as const;
  const contestants: Contestant[] = [
    { name: INSIDE, run: async () => microseconds((await sandbox.exec(argv, { check: true })).stdout) },
    { name: OUTSIDE, run: async () => microseconds((await runCommand(argv, { cwd: folder })).toString()) },
  ];
  const rows = await interleave(context, contestants, { full: 30, quick: 5, warmUp: 2 });
  const notes = ["what the floor adds is taken round by round; all on one processor"];
  return { title: `open and close ${what}`, unit: "µs", rows: [...rows, added(rows)], notes };
}

function added(rows: readonly Row[]): Row {
  const [inside, outside] = [INSIDE, OUTSIDE].map((name) => rows.find((row) => row.name === name)?.samples ?? []);
  const samples = (inside ?? []).map((value, round) => value - (outside?.[round] ?? Number.NaN));
  return { name: "the floor adds", samples, target: { ...atMost(1, "µs"), text: "≤ +1 µs" } };
}

function microseconds(nanoseconds: string): number {
  return Number(nanoseconds) / 1000;
}
