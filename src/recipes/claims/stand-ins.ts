/**
 * Programs that stand in for those that a recipe names and this machine does not have: Node under their names, so that rules about
 * programs mean them.
 *
 * @module
 */
import { copyFile, link, mkdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stateDirectory } from "../../runtimes/state-directory.ts";
import { digestOf } from "../digest.ts";
import { PROBE_SOURCE } from "./probe.ts";

/** A folder of programs. */
export interface StandIns {
  /** The folder to grant: everything lies in it. */
  readonly folder: string;
  /** The folder of the programs, for `PATH`. */
  readonly programs: string;
  /** The module that each loads first. */
  readonly module: string;
  /** The image that has all of it, where it is one's. */
  readonly image?: string;
}

/**
 * Makes them, where they are not there yet. They are kept: Node is large.
 *
 * @throws {Error} If this process is not Node.
 */
export async function makeStandIns(names: readonly string[]): Promise<StandIns> {
  const { execPath } = process;
  if (!basename(execPath).startsWith("node")) {
    throw new Error("claims of the network are tried by Node: run the tests of recipes with it");
  }
  const { size, mtimeMs } = await stat(execPath);
  const key = digestOf([execPath, size, mtimeMs, PROBE_SOURCE]).slice(7, 23);
  const folder = join(await stateDirectory("stand-ins"), key);
  const programs = join(folder, "bin");
  await mkdir(programs, { recursive: true, mode: 0o755 });
  const module = join(folder, "probe.cjs");
  await unlessThere(() => writeFile(module, PROBE_SOURCE, { flag: "wx", mode: 0o644 }));
  const original = join(folder, "program");
  await unlessThere(() => link(execPath, original).catch(() => copyWhole(execPath, original)));
  for (const name of new Set(names)) await unlessThere(() => link(original, join(programs, name)));
  return { folder, programs, module };
}

/** Nobody may find half of one. */
async function copyWhole(from: string, to: string): Promise<void> {
  const beside = `${to}.${process.pid}`;
  await copyFile(from, beside);
  await link(beside, to);
}

async function unlessThere(make: () => Promise<void>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
