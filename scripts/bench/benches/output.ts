/** How fast a command's output reaches its caller. */
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { interleave, rate, timed } from "../measure.ts";
import { startContainer } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const BYTES = 128 * 1024 * 1024;
const COMMAND = ["head", "-c", String(BYTES), "/dev/zero"] as const;
const ROUNDS = { full: 10, quick: 2, warmUp: 1 };

/** The bench. */
export const outputBench: Bench = {
  key: "output",
  async *run(context) {
    {
      await using sandbox = await localSandbox();
      yield await compare(
        context,
        "local",
        sandbox,
        contestant("plain spawn", () => runCommand([...COMMAND])),
      );
    }
    if (context.image === undefined) return;
    await using sandbox = await dockerSandbox(context.image);
    const { id, remove } = await startContainer(context, context.image);
    try {
      const exec = contestant("docker exec", () => runCommand(["docker", "exec", id, ...COMMAND]));
      yield await compare(context, "docker", sandbox, exec);
    } finally {
      await remove();
    }
  },
};

async function compare(context: BenchContext, where: string, sandbox: Sandbox, neighbour: Contestant): Promise<Table> {
  const contestants = [
    contestant("cofferdam exec, kept whole", () => sandbox.exec(COMMAND, { maxOutputBytes: BYTES, check: true })),
    contestant("cofferdam spawn, streamed", () => drain(sandbox)),
    neighbour,
  ];
  const rows = await interleave(context, contestants, ROUNDS);
  return { title: `128 MiB of a command's output, ${where}`, unit: "MB/s", rows, notes: [] };
}

async function drain(sandbox: Sandbox): Promise<void> {
  await using command = await sandbox.spawn(COMMAND);
  let bytes = 0;
  for await (const chunk of command) bytes += chunk.bytes.length;
  if (bytes !== BYTES) throw new Error(`${bytes} bytes came`);
}

function contestant(name: string, work: () => Promise<unknown>): Contestant {
  return { name, run: async () => rate(BYTES, await timed(work)) };
}
