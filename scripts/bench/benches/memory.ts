/** What an idle sandbox holds in memory. */
import type { Sandbox } from "../../../src/mod.ts";
import { atMost, timed } from "../measure.ts";
import { docker } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox, runTrue } from "../ours.ts";
import { childrenOf, memoryOf, type ProcessMemory, parentsOfAll } from "../processes.ts";
import type { Bench, BenchContext, Row, Table } from "../types.ts";

const BATCH = 20;
/** As many at once as DESIGN asks for. */
const MANY = 200;
const TARGET = atMost(2, "MB");

/** The bench. */
export const memoryBench: Bench = {
  key: "memory",
  async *run(context) {
    yield* local(context);
    if (context.image !== undefined) yield await inDocker(context.image);
  },
};

async function* local(context: BenchContext): AsyncIterable<Table> {
  const total = context.quick ? BATCH : MANY;
  const sandboxes: Sandbox[] = [];
  const heap: number[] = [];
  const earlier = new Set(await childrenOf(process.pid));
  try {
    await addIdle(sandboxes);
    while (sandboxes.length <= total) {
      context.progress(sandboxes.length, total);
      const before = hostBytes();
      for (let i = 0; i < BATCH; i++) await addIdle(sandboxes);
      heap.push((hostBytes() - before) / BATCH / 1e6);
    }
    const launchers = (await childrenOf(process.pid)).filter((pid) => !earlier.has(pid));
    const parents = await parentsOfAll();
    const samples = await Promise.all(launchers.map((launcher) => sandboxMemory(launcher, parents)));
    const took = await timed(() => Promise.all(sandboxes.map(runTrue)));
    const notes = [
      `${sandboxes.length} at once; a command in each of them at the same time took ${took.toFixed(0)} ms`,
    ];
    yield { title: "memory of an idle sandbox, local", unit: "MB", rows: rowsOf(samples), notes };
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
  }
  const row: Row = { name: "host heap and buffers", samples: heap, target: TARGET };
  const notes = [`after garbage collection, in steps of ${BATCH} sandboxes up to ${total}`];
  yield { title: "memory of the host for an idle sandbox", unit: "MB", rows: [row], notes };
}

/** A sandbox that has run a command, and does nothing now. */
async function addIdle(sandboxes: Sandbox[]): Promise<void> {
  const sandbox = await localSandbox();
  sandboxes.push(sandbox);
  await runTrue(sandbox);
}

function hostBytes(): number {
  if (gc === undefined) throw new Error("start with node --expose-gc");
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Of the launcher, which stays to clean up, and of the warden below it. */
async function sandboxMemory(
  launcher: number,
  parents: ReadonlyMap<number, number>,
): Promise<readonly ProcessMemory[]> {
  const warden = [...parents].find(([, parent]) => parent === launcher)?.[0];
  if (warden === undefined) throw new Error(`process ${launcher} has no warden`);
  return Promise.all([memoryOf(launcher), memoryOf(warden)]);
}

function rowsOf(sandboxes: readonly (readonly ProcessMemory[])[]): Row[] {
  const both = sandboxes.map((processes) => processes.reduce((bytes, { pss }) => bytes + pss, 0) / 1e6);
  return [
    { name: "warden, RSS", samples: sandboxes.map(([, warden]) => (warden?.rss ?? 0) / 1e6), target: TARGET },
    { name: "launcher, RSS", samples: sandboxes.map(([launcher]) => (launcher?.rss ?? 0) / 1e6) },
    { name: "both, PSS", samples: both, target: TARGET },
  ];
}

async function inDocker(image: string): Promise<Table> {
  const sandboxes: Sandbox[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const sandbox = await dockerSandbox(image);
      sandboxes.push(sandbox);
      await runTrue(sandbox);
    }
    const samples = await Promise.all(
      sandboxes.map(async ({ id }) => {
        const pid = await docker("inspect", "--format", "{{.State.Pid}}", `cofferdam-${id}`);
        return memoryOf(Number(pid.toString()));
      }),
    );
    const row = (name: string, field: "pss" | "rss"): Row => ({
      name,
      samples: samples.map((memory) => memory[field] / 1e6),
      target: TARGET,
    });
    const notes = ["without the engine's own shim for the container"];
    return {
      title: "memory of an idle sandbox, docker",
      unit: "MB",
      rows: [row("warden, RSS", "rss"), row("warden, PSS", "pss")],
      notes,
    };
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
  }
}
