/**
 * Runs the benches, and reports. Nothing here fails because something was slow: benches only report.
 *
 *   scripts/bench.sh [--quick] [--json] [--only=create,exec,...]
 */
import { mkdir, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { inspect, parseArgs } from "node:util";
import { copyBench } from "./benches/copy.ts";
import { createBench } from "./benches/create.ts";
import { deleteBench } from "./benches/delete.ts";
import { execBench } from "./benches/exec.ts";
import { filesBench } from "./benches/files.ts";
import { grepBench } from "./benches/grep.ts";
import { hookBench } from "./benches/hook.ts";
import { httpsBench } from "./benches/https.ts";
import { inferenceBench } from "./benches/inference.ts";
import { memoryBench } from "./benches/memory.ts";
import { npmCiBench } from "./benches/npm-ci.ts";
import { openBench } from "./benches/open.ts";
import { outputBench } from "./benches/output.ts";
import { poolBench } from "./benches/pool.ts";
import { portsBench } from "./benches/ports.ts";
import { reviewBench } from "./benches/review.ts";
import { rowBench } from "./benches/row.ts";
import { startBench } from "./benches/start.ts";
import { treesBench } from "./benches/trees.ts";
import { tscBench } from "./benches/tsc.ts";
import { describeMachine, openContext } from "./machine.ts";
import { openProgress } from "./progress.ts";
import { findings, headLine, textOf } from "./report.ts";
import type { Table } from "./types.ts";

const BENCHES = [
  createBench,
  poolBench,
  execBench,
  deleteBench,
  filesBench,
  treesBench,
  portsBench,
  httpsBench,
  inferenceBench,
  outputBench,
  openBench,
  startBench,
  hookBench,
  grepBench,
  tscBench,
  npmCiBench,
  copyBench,
  reviewBench,
  memoryBench,
  rowBench,
];
const USAGE = `usage: bench.sh [--quick] [--json] [--only=${BENCHES.map(({ key }) => key).join(",")}]`;

async function main(): Promise<void> {
  const { quick, json, keys } = readArguments();
  const progress = openProgress();
  const { context, missing } = await openContext(quick, progress.of);
  const machine = await describeMachine();
  const tables: Table[] = [];
  const failures: string[] = [];
  const say = (text: string) => {
    progress.clear();
    if (!json) console.log(text);
  };
  say(
    Object.entries(machine)
      .map(([key, value]) => `${key} ${value}`)
      .join("; "),
  );
  say(`\n${headLine()}`);
  // sandbox-runtime looks at, and protects, much of the folder that it runs in: it gets an empty one.
  const home = process.cwd();
  await mkdir(join(context.scratch, "here"));
  process.chdir(join(context.scratch, "here"));
  try {
    for (const bench of BENCHES.filter(({ key }) => keys.includes(key))) {
      progress.begin(bench.key);
      try {
        for await (const table of bench.run(context)) {
          tables.push(table);
          say(textOf(table));
        }
      } catch (error) {
        failures.push(`${bench.key}: ${inspect(error)}`);
      }
    }
  } finally {
    progress.clear();
    process.chdir(home);
    await rm(context.scratch, { recursive: true, force: true });
  }
  const loadAtEnd = loadavg()[0];
  say(`\nload at the end ${loadAtEnd?.toFixed(2)}: what else ran makes the lines above slower, and p90 most`);
  if (json)
    console.log(
      JSON.stringify({ machine, loadAtEnd, missing, failures, tables: tables.map(forPrograms) }, undefined, 2),
    );
  for (const what of missing) console.error(`bench: not compared, because it is not here: ${what}`);
  for (const failure of failures) console.error(`bench: ${failure}`);
  // sandbox-runtime leaves servers open that would keep this process alive.
  process.exit(failures.length > 0 ? 1 : 0);
}

function readArguments(): { quick: boolean; json: boolean; keys: readonly string[] } {
  const all = BENCHES.map(({ key }) => key);
  try {
    const options = { quick: { type: "boolean" }, json: { type: "boolean" }, only: { type: "string" } } as const;
    const { quick = false, json = false, only } = parseArgs({ options }).values;
    const keys = only?.split(",") ?? all;
    const unknown = keys.find((key) => !all.includes(key));
    if (unknown !== undefined) throw new Error(`there is no bench "${unknown}"`);
    return { quick, json, keys };
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

function forPrograms(table: Table): unknown {
  return { title: table.title, unit: table.unit, rows: findings(table), notes: table.notes };
}

await main();
