/**
 * Volumes on this host's disk: `volumes/NAME` in the state folder, with the content in `data`, and a lock that the
 * launchers of sandboxes hold.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { chown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError } from "../../errors.ts";
import { encodeMessage } from "../../link/codec.ts";
import { CODES } from "../../link/protocol.ts";
import { ownerOfThisProcess } from "../owner.ts";
import type { VolumeFacts, VolumeRequest } from "../runtime.ts";
import { stateDirectory } from "../state-directory.ts";
import { errnoOf } from "../workspace/mod.ts";
import { launch } from "./launch.ts";
import type { Step } from "./steps.ts";

/**
 * Who owns the content of root's volumes on the disk: nobody that a system knows. The agent is another user each time, and
 * an idmapped mount shows it as the owner.
 */
const CONTENT_ID = 1_899_999_999;

/** The steps that bring volumes into a sandbox, parents first. Volumes that do not exist are made. */
export async function volumeSteps(volumes: readonly VolumeRequest[], rootful: boolean): Promise<Step[]> {
  if (volumes.length === 0) return [];
  const directory = await stateDirectory("volumes");
  const ordered = [...volumes].sort((a, b) => (a.path < b.path ? -1 : 1));
  return Promise.all(
    ordered.map(async ({ name, path, access, shared }): Promise<Step> => {
      const folder = join(directory, name);
      await ensure(directory, name, rootful);
      return {
        kind: "bind",
        source: join(folder, "data"),
        target: path,
        readOnly: access === "read",
        owner: rootful,
        lock: join(folder, "lock"),
        shared,
      };
    }),
  );
}

/** Makes a volume that appears whole or not at all. */
async function ensure(directory: string, name: string, rootful: boolean): Promise<void> {
  const folder = join(directory, name);
  if (await exists(folder)) return;
  const partial = join(directory, `.new-${ownerOfThisProcess() ?? "unknown"}-${randomBytes(6).toString("hex")}`);
  await mkdir(join(partial, "data"), { recursive: true, mode: 0o700 });
  if (rootful) await chown(join(partial, "data"), CONTENT_ID, CONTENT_ID);
  await writeFile(join(partial, "lock"), "", { mode: 0o600 });
  try {
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another sandbox made it in the same moment.
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
  }
}

/** The volumes of this user. */
export async function listVolumes(): Promise<VolumeFacts[]> {
  const directory = await stateDirectory("volumes");
  const names = (await readdir(directory)).filter((name) => !name.startsWith(".")).sort();
  const held = await heldLocks();
  const found = await Promise.all(
    names.map(async (name): Promise<VolumeFacts[]> => {
      const lock = await lstat(join(directory, name, "lock")).catch(() => undefined);
      if (lock === undefined) return [];
      const createdAt = lock.mtime.toISOString();
      return [{ name, runtime: "local", createdAt, inUse: held.has(lock.ino) }];
    }),
  );
  return found.flat();
}

/** The inodes that somebody has locked whole: see proc_locks(5). */
async function heldLocks(): Promise<Set<number>> {
  const lines = (await readFile("/proc/locks", "utf8").catch(() => "")).split("\n");
  return new Set(
    lines.filter((line) => line.includes(" FLOCK ")).map((line) => Number(/:(\d+) \d+ \S+$/.exec(line)?.[1])),
  );
}

/**
 * Removes a volume, through a launcher: it holds the lock meanwhile, and can remove what hostile programs leave.
 *
 * @throws {SandboxError} VOLUME_BUSY If a sandbox has it.
 */
export async function removeVolume(name: string, wardenPath: string): Promise<boolean> {
  const folder = join(await stateDirectory("volumes"), name);
  if (!(await exists(folder))) return false;
  const remover = await launch(wardenPath);
  const frame = encodeMessage("owned", { kind: CODES.owned.volume, path: Buffer.from(folder) });
  await new Promise((resolve) => remover.output.write(frame, resolve));
  await remover.finish();
  if (!(await exists(folder))) return true;
  throw new SandboxError("VOLUME_BUSY", `Cannot remove the volume "${name}": a sandbox has it`, {
    details: { volume: name },
    hint: "Stop that sandbox first",
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
