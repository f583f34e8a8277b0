/** What is left of many sandboxes, one after the other: it must not grow. */
import { readdirSync, readFileSync } from "node:fs";
import { docker } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox, runTrue } from "../ours.ts";
import { childrenOf } from "../processes.ts";
import type { Bench, BenchContext, Table } from "../types.ts";

/** As many as DESIGN asks for. */
const MANY = { local: 2000, docker: 200 };
const STEPS = 20;

/** The bench. */
export const rowBench: Bench = {
  key: "row",
  async *run(context) {
    yield await inARow(context, "local", MANY.local, () => localSandbox());
    const { image } = context;
    if (image !== undefined) yield await inARow(context, "docker", MANY.docker, () => dockerSandbox(image));
  },
};

async function inARow(
  context: BenchContext,
  where: "local" | "docker",
  many: number,
  create: typeof localSandbox,
): Promise<Table> {
  const total = context.quick ? STEPS : many;
  const memory: number[] = [];
  // What a process learns with its first sandboxes, it keeps.
  for (let i = 0; i < STEPS; i++) await one(create);
  const before = await holdings(where);
  for (let i = 0; i < total; i++) {
    context.progress(i, total);
    await one(create);
    if (i % Math.ceil(total / STEPS) === 0) memory.push(residentBytes() / 1e6);
  }
  const after = await holdings(where);
  const changes = Object.entries(after).map(([what, count]) => `${what}: ${before[what]} before, ${count} after`);
  return {
    title: `${total} sandboxes in a row, ${where}: resident memory of the host's process`,
    unit: "MB",
    rows: [
      { name: "in the first quarter", samples: memory.slice(0, STEPS / 4) },
      { name: "in the last quarter", samples: memory.slice(-STEPS / 4) },
    ],
    notes: changes,
  };
}

async function one(create: typeof localSandbox): Promise<void> {
  await using sandbox = await create();
  await runTrue(sandbox);
}

async function holdings(where: "local" | "docker"): Promise<Record<string, number>> {
  const kept = {
    descriptors: readdirSync("/proc/self/fd").length,
    "child processes": (await childrenOf(process.pid)).length,
    mounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
  };
  if (where === "local") return kept;
  const lines = (bytes: Buffer) => bytes.toString().split("\n").filter(Boolean).length;
  return {
    ...kept,
    containers: lines(await docker("ps", "--all", "--quiet")),
    volumes: lines(await docker("volume", "ls", "--quiet")),
  };
}

function residentBytes(): number {
  gc?.();
  return process.memoryUsage.rss();
}
