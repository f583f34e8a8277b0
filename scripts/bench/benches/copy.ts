/** How long a sandbox with a copy of a large workspace takes. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { interleave, timed } from "../measure.ts";
import { containerArguments, docker } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const FOLDERS = 100;
const FILES_PER_FOLDER = 100;
const ROUNDS = { full: 8, quick: 2, warmUp: 1 };

/** The bench. */
export const copyBench: Bench = {
  key: "copy",
  async *run(context) {
    const workspace = join(context.scratch, "workspace");
    const megabytes = (await makeWorkspace(workspace)) / 1e6;
    const what = `create with a copy of 10,000 files (${megabytes.toFixed(0)} MB)`;
    const target = join(context.scratch, "copy");
    yield await compare(context, `${what}, local`, () => localSandbox({ workspace }), {
      name: "cp -a",
      run: async () => {
        const took = await timed(() => runCommand(["cp", "-a", workspace, target]));
        await rm(target, { recursive: true });
        return took;
      },
    });
    const { image } = context;
    if (image === undefined) return;
    yield await compare(context, `${what}, docker`, () => dockerSandbox(image, { workspace }), {
      name: "docker create, cp, start",
      run: () => copyWithCli(context, image, workspace),
    });
  },
};

async function makeWorkspace(path: string): Promise<number> {
  let total = 0;
  for (let folder = 0; folder < FOLDERS; folder++) {
    const parent = join(path, `folder-${folder}`);
    await mkdir(parent, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      // Mostly small, as sources are: 1 to 8 KiB, and every hundredth a hundred.
      const size = file === 0 ? 102_400 : 1024 * (1 + ((folder + file) % 8));
      await writeFile(join(parent, `file-${file}.txt`), Buffer.alloc(size, `${folder}/${file} `));
      total += size;
    }
  }
  return total;
}

async function compare(
  context: BenchContext,
  title: string,
  create: () => Promise<Sandbox>,
  neighbour: Contestant,
): Promise<Table> {
  const ours: Contestant = {
    name: "cofferdam",
    run: async () => {
      let sandbox: Sandbox | undefined;
      const took = await timed(async () => {
        sandbox = await create();
      });
      await sandbox?.stop();
      return took;
    },
  };
  return { title, unit: "ms", rows: await interleave(context, [ours, neighbour], ROUNDS), notes: [] };
}

async function copyWithCli(context: BenchContext, image: string, workspace: string): Promise<number> {
  let id = "";
  const took = await timed(async () => {
    id = (await docker("create", ...containerArguments(context), image, "sleep", "infinity")).toString().trim();
    await docker("cp", "--archive", workspace, `${id}:/workspace`);
    await docker("start", id);
  });
  await docker("rm", "--force", id);
  return took;
}
