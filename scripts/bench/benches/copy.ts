/** How long a sandbox with a copy of a large workspace takes. */
import { join } from "node:path";
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { makeTenThousandFiles } from "../inputs.ts";
import { interleave, timed } from "../measure.ts";
import { containerArguments, docker } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const ROUNDS = { full: 6, quick: 2, warmUp: 1 };

/** The bench. */
export const copyBench: Bench = {
  key: "copy",
  async *run(context) {
    const workspace = join(context.scratch, "workspace");
    const megabytes = (await makeTenThousandFiles(workspace)) / 1e6;
    const what = `create with a copy of 10,000 files (${megabytes.toFixed(0)} MB)`;
    // ext4 avoids inodes that were deleted within the last minutes, and looking for others takes it most of the time of
    // the next copy: so everything stays until all is measured.
    const kept: (() => Promise<unknown>)[] = [];
    const { image } = context;
    try {
      yield await compare(context, `${what}, local`, [
        ours(() => localSandbox({ workspace }), kept),
        copyCommand(workspace, join(context.scratch, "copy")),
      ]);
      if (image === undefined) return;
      yield await compare(context, `${what}, docker`, [
        ours(() => dockerSandbox(image, { workspace }), kept),
        copyWithCli(context, image, workspace, kept),
      ]);
    } finally {
      for (const remove of kept) await remove();
    }
  },
};

async function compare(context: BenchContext, title: string, contestants: readonly Contestant[]): Promise<Table> {
  return { title, unit: "ms", rows: await interleave(context, contestants, ROUNDS), notes: [] };
}

function ours(create: () => Promise<Sandbox>, kept: (() => Promise<unknown>)[]): Contestant {
  return {
    name: "cofferdam",
    run: () =>
      timed(async () => {
        const sandbox = await create();
        kept.push(() => sandbox.stop());
      }),
  };
}

/** Its copies go with the scratch folder. */
function copyCommand(workspace: string, target: string): Contestant {
  let copies = 0;
  return { name: "cp -a", run: () => timed(() => runCommand(["cp", "-a", workspace, `${target}-${copies++}`])) };
}

function copyWithCli(
  context: BenchContext,
  image: string,
  workspace: string,
  kept: (() => Promise<unknown>)[],
): Contestant {
  const run = async () => {
    const created = await docker("create", ...containerArguments(context), image, "sleep", "infinity");
    const id = created.toString().trim();
    kept.push(() => docker("rm", "--force", id));
    await docker("cp", "--archive", workspace, `${id}:/workspace`);
    await docker("start", id);
  };
  return { name: "docker create, cp, start", run: () => timed(run) };
}
