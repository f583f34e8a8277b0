/** How fast files go in and out. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "../../../src/mod.ts";
import { runCommand } from "../command.ts";
import { interleave, rate, timed } from "../measure.ts";
import { startContainer } from "../neighbours/docker-cli.ts";
import { dockerSandbox, localSandbox } from "../ours.ts";
import type { Bench, BenchContext, Contestant, Table } from "../types.ts";

const SMALL_BYTES = 4096;
const LARGE_BYTES = 64 * 1024 * 1024;

/** Something that has files. */
interface Place {
  readonly name: string;
  read(): Promise<unknown>;
  write(data: Uint8Array): Promise<unknown>;
}

/** The bench. */
export const filesBench: Bench = {
  key: "files",
  async *run(context) {
    {
      await using sandbox = await localSandbox();
      yield* compare(context, "local", [ours(sandbox), nodeFiles(join(context.scratch, "file"))]);
    }
    if (context.image === undefined) return;
    await using sandbox = await dockerSandbox(context.image);
    const container = await startContainer(context, context.image);
    try {
      yield* compare(context, "docker", [ours(sandbox), dockerExecFiles(container.id)]);
    } finally {
      await container.remove();
    }
  },
};

async function* compare(context: BenchContext, where: string, places: readonly Place[]): AsyncIterable<Table> {
  const small = Buffer.alloc(SMALL_BYTES, "x");
  const large = Buffer.alloc(LARGE_BYTES, "x");
  for (const verb of ["write", "read"] as const) {
    const contestants = places.map(
      (place): Contestant => ({
        name: place.name,
        run: () => timed(() => (verb === "write" ? place.write(small) : place.read())),
      }),
    );
    const rows = await interleave(context, contestants, { full: 60, quick: 6 });
    yield { title: `${verb} 4 KiB, ${where}`, unit: "ms", rows, notes: [] };
  }
  for (const verb of ["write", "read"] as const) {
    const contestants = places.map(
      (place): Contestant => ({
        name: place.name,
        run: async () => rate(LARGE_BYTES, await timed(() => (verb === "write" ? place.write(large) : place.read()))),
      }),
    );
    const rows = await interleave(context, contestants, { full: 12, quick: 2, warmUp: 1 });
    yield { title: `${verb} 64 MiB, ${where}`, unit: "MB/s", rows, notes: [] };
  }
}

function ours({ files }: Sandbox): Place {
  return {
    name: "cofferdam files",
    read: () => files.read("file"),
    write: (data) => files.write("file", data),
  };
}

function nodeFiles(path: string): Place {
  return { name: "node:fs, no sandbox", read: () => readFile(path), write: (data) => writeFile(path, data) };
}

function dockerExecFiles(id: string): Place {
  return {
    name: "docker exec, cat",
    read: () => runCommand(["docker", "exec", id, "cat", "/tmp/file"]),
    write: (data) => runCommand(["docker", "exec", "--interactive", id, "sh", "-c", "cat >/tmp/file"], {}, data),
  };
}
