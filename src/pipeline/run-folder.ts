/**
 * The folder of a run: private, and one process's at a time.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { SandboxError } from "../errors.ts";
import { isOwnerDead, ownerOfThisProcess } from "../runtimes/owner.ts";
import { stateDirectory } from "../runtimes/state-directory.ts";
import { Store, syncFolder } from "./store.ts";

const OWNER = /^owner-(\d{1,9})$/;
const OWNER_BYTES_MAX = 256;
const LEFT = "left";

/** A run's folder that this process has. */
export class RunFolder {
  /** Without symlinks. */
  readonly path: string;
  readonly id: string;
  readonly store: Store;
  readonly #lock: string;

  private constructor(path: string, id: string, lock: string) {
    this.path = path;
    this.id = id;
    this.#lock = lock;
    this.store = new Store(join(path, "objects"));
  }

  /** Makes a new one in `runs`, or in the state folder of this user. */
  static async create(runs: string | undefined): Promise<RunFolder> {
    const parent = runs === undefined ? await stateDirectory("runs") : resolve(runs);
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const id = randomBytes(8).toString("hex");
    const path = join(await realpath(parent), id);
    await mkdir(path, { mode: 0o700 });
    for (const name of ["objects", "audit"]) await mkdir(join(path, name), { mode: 0o700 });
    await syncFolder(path);
    return new RunFolder(path, id, await lock(path));
  }

  /**
   * Opens one: a path, or the id of one in the state folder.
   *
   * @throws {SandboxError} RUN_UNUSABLE If there is none, or others may enter it.
   * @throws {SandboxError} RUN_BUSY If another process has it.
   */
  static async open(run: string): Promise<RunFolder> {
    const path = await folderOfRun(run);
    await requirePrivate(path);
    const folder = new RunFolder(path, path.slice(path.lastIndexOf("/") + 1), await lock(path));
    // What a process that was killed left of its sandboxes' workspaces.
    await rm(folder.work, { recursive: true, force: true });
    return folder;
  }

  get journal(): string {
    return join(this.path, "journal.jsonl");
  }

  /** Where workspaces are put together. */
  get work(): string {
    return join(this.path, "work");
  }

  /** The audit log of an attempt. */
  auditLog(name: string): string {
    return join(this.path, "audit", `${name}.jsonl`);
  }

  /** Leaves it to others. */
  async close(): Promise<void> {
    await rm(this.work, { recursive: true, force: true });
    await writeFile(this.#lock, LEFT);
  }
}

/** Where a run is: a name without a slash that is the id of one in the state folder, or a path. */
export async function folderOfRun(run: string): Promise<string> {
  const path = /^[0-9a-f]{16}$/.test(run) ? join(await stateDirectory("runs"), run) : resolve(run);
  return await realpath(path).catch((cause: unknown) => {
    throw unusable(run, "there is none", cause);
  });
}

async function requirePrivate(path: string): Promise<void> {
  for (const each of [path, join(path, "objects"), join(path, "audit")]) {
    const stats = await lstat(each).catch((cause: unknown) => {
      throw unusable(path, "it is no run's folder", cause);
    });
    if (!stats.isDirectory()) throw unusable(path, "it is no run's folder");
    if (stats.uid !== (process.geteuid?.() ?? stats.uid)) throw unusable(path, "it belongs to another user");
    if ((stats.mode & 0o077) !== 0) throw unusable(path, "other users may enter it: chmod -R go= makes it private");
  }
}

/**
 * Owners are counted: who makes the next number has the run, and may do so when the one before has left it, or is dead. A
 * number can be made once, so two that come at one time cannot both have it.
 */
async function lock(path: string): Promise<string> {
  const numbers = (await readdir(path)).map((name) => Number(OWNER.exec(name)?.[1] ?? 0));
  const last = Math.max(0, ...numbers);
  if (last > 0) {
    const owner = (await readFile(join(path, `owner-${last}`), "latin1")).slice(0, OWNER_BYTES_MAX);
    if (owner !== LEFT && !isOwnerDead(owner)) throw busy(path, last);
  }
  const mine = join(path, `owner-${last + 1}`);
  const draft = join(path, `new-${randomBytes(9).toString("hex")}`);
  await writeFile(draft, ownerOfThisProcess() ?? "unknown", { mode: 0o600, flag: "wx" });
  try {
    // Unlike a rename it fails where something is, and the name never stands for an empty file.
    await link(draft, mine);
    return mine;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw busy(path, last + 1);
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function busy(run: string, number: number): SandboxError<"RUN_BUSY"> {
  return new SandboxError("RUN_BUSY", `Cannot use the run in "${run}": another process has it`, {
    details: { run },
    hint: `If that process is gone (it ran on another machine, or before a restart), remove owner-${number} in that folder`,
  });
}

function unusable(run: string, reason: string, cause?: unknown): SandboxError<"RUN_UNUSABLE"> {
  return new SandboxError("RUN_UNUSABLE", `Cannot use the run "${run}": ${reason}`, {
    details: { run, reason },
    hint: "Name the folder that pipeline run printed, or its id",
    ...(cause === undefined ? {} : { cause }),
  });
}
