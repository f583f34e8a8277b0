/** How fast whole trees go in and out: in one stream, and file by file. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { makeTenThousandFiles } from "../inputs.ts";
import { interleave, timed } from "../measure.ts";
import { startContainer } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const ROUNDS = { full: 5, quick: 1, warmUp: 1 };

/** The bench. */
export const treesBench: Bench = {
  key: "trees",
  async *run(context) {
    const source = join(context.scratch, "tree-source");
    await makeTenThousandFiles(source);
    {
      await using sandbox = await localSandbox();
      yield* compare(context, "local", source, sandbox, []);
    }
    if (context.image === undefined) return;
    await using sandbox = await dockerSandbox(context.image);
    const container = await startContainer(context, context.image);
    try {
      const copy = (from: string, to: string) => () => runCommand(["docker", "cp", from, to]);
      yield* compare(context, "docker", source, sandbox, [
        {
          name: "docker cp",
          upload: copy(source, `${container.id}:/tmp/tree`),
          download: (to) => copy(`${container.id}:/tmp/tree`, to)(),
        },
      ]);
    } finally {
      await container.remove();
    }
  },
};

/** Something that has trees. */
interface Place {
  readonly name: string;
  upload(): Promise<unknown>;
  download(to: string): Promise<unknown>;
}

async function* compare(
  context: BenchContext,
  where: string,
  source: string,
  sandbox: Sandbox,
  neighbours: readonly Place[],
): AsyncIterable<Table> {
  const places = [inOneStream(sandbox, source), fileByFile(sandbox, source), ...neighbours];
  const target = join(context.scratch, "tree-target");
  for (const verb of ["upload", "download"] as const) {
    const contestants = places.map(
      (place): Contestant => ({
        name: place.name,
        run: async () => {
          const took = await timed(() => (verb === "upload" ? place.upload() : place.download(target)));
          await rm(target, { recursive: true, force: true });
          if (verb === "upload") await sandbox.files.remove("up", { recursive: true, force: true });
          return took;
        },
      }),
    );
    const rows = await interleave(context, contestants, ROUNDS);
    yield { title: `${verb} 10,000 files, ${where}`, unit: "ms", rows, notes: [] };
    if (verb === "upload") await sandbox.files.upload(source, "tree");
  }
}

function inOneStream({ files }: Sandbox, source: string): Place {
  return {
    name: "files.upload, download",
    upload: () => files.upload(source, "up"),
    download: (to) => files.download("tree", to),
  };
}

function fileByFile({ files }: Sandbox, source: string): Place {
  const each = async (work: (path: string) => Promise<unknown>) => {
    const found = await readdir(source, { recursive: true, withFileTypes: true });
    const paths = found
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(source.length + 1));
    for (let at = 0; at < paths.length; at += 16) await Promise.all(paths.slice(at, at + 16).map(work));
  };
  return {
    name: "files.write, read, 16 at a time",
    upload: () =>
      each(async (path) => files.write(`up/${path}`, await readFile(join(source, path)), { createParents: true })),
    download: (to) =>
      each(async (path) => {
        await mkdir(dirname(join(to, path)), { recursive: true });
        await writeFile(join(to, path), await files.read(`tree/${path}`));
      }),
  };
}
