/**
 * The lock of a login's file, among all processes of its owner: a refresh token is good for once.
 *
 * A lock is a folder that holds one file, named at random by its holder. A folder can be moved to a place where there is none, or
 * an empty one, and to no other, so one process gets it. A lock that was left behind is emptied first: its file is removed by
 * its name, so one of those who find it does that, and none can remove the file of whoever holds it meanwhile.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, realpath, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError } from "../../errors.ts";
import { unavailable } from "../failure.ts";

/** So old is a lock that nobody holds any more, in milliseconds: a renewal takes less. */
const LOCK_STALE_MS = 60_000;

/** How often another holder is looked for, in milliseconds. */
const LOCK_POLL_MS = 100;

/**
 * Does something that only one process at a time may do with a login.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If another holds it for too long, or it cannot be locked.
 */
export async function withLock<T>(name: string, path: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  const real = await realpath(path).catch(() => path);
  const lock = `${real}.cofferdam-lock`;
  const holder = randomBytes(8).toString("hex");
  const draft = `${lock}-${holder}`;
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(join(draft, holder), "", { mode: 0o600 });
    while (!(await take(draft, lock))) {
      if (signal.aborted) throw unavailable(name, "another process has held its file for too long");
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
      // As old as the wait it would look left behind.
      await writeFile(join(draft, holder), "");
    }
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (SandboxError.is(error)) throw error;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw unavailable(name, `its file cannot be locked (${code})`);
  }
  try {
    return await act();
  } finally {
    await unlink(join(lock, holder)).catch(() => undefined);
    // Who comes next may have it already.
    await rmdir(lock).catch(() => undefined);
  }
}

async function take(draft: string, lock: string): Promise<boolean> {
  try {
    await rename(draft, lock);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // What systems say of a folder that is not empty.
    if (!["ENOTEMPTY", "EEXIST", "EPERM"].includes(code)) throw error;
  }
  for (const holder of await readdir(lock).catch(() => [])) {
    const file = join(lock, holder);
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > LOCK_STALE_MS) await unlink(file).catch(() => undefined);
  }
  // Not every system moves a folder to the place of an empty one. One that is not empty stays.
  await rmdir(lock).catch(() => undefined);
  return false;
}
