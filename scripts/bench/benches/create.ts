/** How long it takes from nothing to a sandbox. */
import type { Sandbox } from "../../../src/mod.ts";
import { atMost, interleave, timed } from "../measure.ts";
import { dockerCreateStart, dockerRun } from "../neighbours/docker-cli.ts";
import { bubblewrap, plainSpawn } from "../neighbours/local.ts";
import { openSandboxRuntime } from "../neighbours/sandbox-runtime.ts";
import { dockerSandbox, localSandbox, runTrue } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

/** The bench. */
export const createBench: Bench = {
  key: "create",
  async *run(context) {
    yield await local(context);
    if (context.image !== undefined) yield await docker(context, context.image);
  },
};

async function local(context: BenchContext): Promise<Table> {
  const runtime = context.sandboxRuntime === undefined ? undefined : await openSandboxRuntime(context.sandboxRuntime);
  const contestants: Contestant[] = [
    { name: "cofferdam", target: atMost(25, "ms"), run: createAndRun },
    { name: "cofferdam, with stop()", run: () => timed(runAndStop) },
    ...(context.bubblewrap ? [bubblewrap] : []),
    ...(runtime === undefined ? [] : [runtime.contestant]),
    plainSpawn,
  ];
  const rows = await interleave(context, contestants, { full: 60, quick: 6 });
  await runtime?.close();
  const notes =
    runtime === undefined
      ? []
      : [`sandbox-runtime was initialized once, in ${runtime.initializeMs.toFixed(0)} ms, not counted`];
  return { title: "create → result of `true`, local", unit: "ms", rows, notes };
}

async function createAndRun(): Promise<number> {
  let sandbox: Sandbox | undefined;
  const took = await timed(async () => {
    sandbox = await localSandbox();
    await runTrue(sandbox);
  });
  await sandbox?.stop();
  return took;
}

async function runAndStop(): Promise<void> {
  await using sandbox = await localSandbox();
  await runTrue(sandbox);
}

async function docker(context: BenchContext, image: string): Promise<Table> {
  const run = dockerRun(context, image, "none");
  const bridge = dockerRun(context, image, "bridge");
  const hasBridge = await bridge.run().then(
    () => true,
    () => false,
  );
  const contestants: Contestant[] = [
    {
      name: "cofferdam",
      target: { text: "≤ docker run + 40 ms", bound: (median) => median(run.name) + 40 },
      run: async () => {
        let sandbox: Sandbox | undefined;
        const took = await timed(async () => {
          sandbox = await dockerSandbox(image);
        });
        await sandbox?.stop();
        return took;
      },
    },
    run,
    ...(hasBridge ? [bridge] : []),
    dockerCreateStart(context, image),
  ];
  const rows = await interleave(context, contestants, { full: 25, quick: 3 });
  const notes = ["docker run ends with its container; the others leave it running"];
  if (!hasBridge) notes.push("docker run with its usual network does not work on this engine");
  return { title: "create → ready, docker", unit: "ms", rows, notes };
}
