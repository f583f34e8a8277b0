/** How long a command in a running sandbox takes. */
import type { Sandbox } from "../../../src/mod.ts";
import { atMost, interleave, timed } from "../measure.ts";
import { dockerExec, startContainer } from "../neighbours/docker-cli.ts";
import { plainSpawn } from "../neighbours/local.ts";
import { dockerSandbox, localSandbox, runTrue } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

/** The bench. */
export const execBench: Bench = {
  key: "exec",
  async *run(context) {
    yield await local(context);
    if (context.image !== undefined) yield await docker(context, context.image);
  },
};

function ours(sandbox: Sandbox, limitMs: number): Contestant {
  return { name: "cofferdam", target: atMost(limitMs, "ms"), run: () => timed(() => runTrue(sandbox)) };
}

async function local(context: BenchContext): Promise<Table> {
  await using sandbox = await localSandbox();
  const rows = await interleave(context, [ours(sandbox, 2), plainSpawn], { full: 300, quick: 20, warmUp: 10 });
  return { title: "exec round trip of `true`, local", unit: "ms", rows, notes: [] };
}

async function docker(context: BenchContext, image: string): Promise<Table> {
  await using sandbox = await dockerSandbox(image);
  const container = await startContainer(context, image);
  try {
    const rows = await interleave(context, [ours(sandbox, 3), dockerExec(container)], { full: 60, quick: 6 });
    return { title: "exec round trip of `true`, docker", unit: "ms", rows, notes: [] };
  } finally {
    await container.remove();
  }
}
