/** How long it takes until nothing of a sandbox is left, and whether that is so. */
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Sandbox } from "../../../src/mod.ts";
import { atMost, interleave, timed } from "../measure.ts";
import { docker, startContainer } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox, runTrue } from "../ours.ts";
import { childrenOf } from "../processes.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

/** The bench. */
export const deleteBench: Bench = {
  key: "delete",
  async *run(context) {
    yield await local(context);
    if (context.image !== undefined) yield await inDocker(context, context.image);
  },
};

/** A sandbox in which a command has run, and another one runs. */
function ours(create: () => Promise<Sandbox>, ids: string[]): Contestant {
  return {
    name: "cofferdam stop()",
    target: atMost(120, "ms"),
    run: async () => {
      const sandbox = await create();
      ids.push(sandbox.id);
      await runTrue(sandbox);
      const command = await sandbox.spawn(["sleep", "1000"]);
      command.exited.catch(() => undefined);
      return timed(() => sandbox.stop());
    },
  };
}

async function local(context: BenchContext): Promise<Table> {
  const before = await leftovers();
  const rows = await interleave(context, [ours(localSandbox, [])], { full: 60, quick: 6 });
  const after = await leftovers();
  const notes = [`left behind: ${after.processes - before.processes} processes`];
  // Other programs of this machine may make such folders too, so only their absence says something.
  if (after.folders <= before.folders) notes.push("left behind: 0 folders");
  return { title: "delete, local", unit: "ms", rows, notes };
}

async function leftovers(): Promise<{ processes: number; folders: number }> {
  const names = await readdir(tmpdir());
  return {
    processes: (await childrenOf(process.pid)).length,
    folders: names.filter((name) => name.startsWith("cofferdam-")).length,
  };
}

async function inDocker(context: BenchContext, image: string): Promise<Table> {
  const ids: string[] = [];
  const neighbour: Contestant = {
    name: "docker rm --force",
    run: async () => {
      const container = await startContainer(context, image);
      return timed(() => container.remove());
    },
  };
  const contestants = [ours(() => dockerSandbox(image), ids), neighbour];
  const rows = await interleave(context, contestants, { full: 25, quick: 3 });
  const names = (await docker("ps", "--all", "--format", "{{.Names}}")).toString().split("\n");
  const left = names.filter((name) => ids.some((id) => name.includes(id))).length;
  return { title: "delete, docker", unit: "ms", rows, notes: [`left behind: ${left} containers of ${ids.length}`] };
}
