/**
 * A login's file on the host: read, and written back where its tokens were renewed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { chown, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unavailable } from "../failure.ts";
import { type JsonMap, parseMap } from "./json.ts";

/** Longer than any that agents write, in bytes. */
const LENGTH_MAX = 1_048_576;

/** So old is a lock that nobody holds any more, in milliseconds: a renewal takes less. */
const LOCK_STALE_MS = 60_000;

/** How often another holder is looked for, in milliseconds. */
const LOCK_POLL_MS = 100;

/**
 * Reads one; undefined where there is none.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it cannot be read, or is no JSON object.
 */
export async function readLoginFile(name: string, path: string): Promise<JsonMap | undefined> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw unavailable(name, `its file cannot be opened (${error.code ?? "unknown"})`);
  });
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) throw unavailable(name, "its file is no regular file");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LENGTH_MAX), 0, LENGTH_MAX, 0);
    const map = parseMap(buffer.toString("utf8", 0, bytesRead));
    if (map === undefined) throw unavailable(name, "its file holds no JSON object");
    return map;
  } finally {
    await file.close();
  }
}

/** Writes it as a whole or not at all: for its owner alone, whose it stays. Links lead where they led. */
export async function writeLoginFile(path: string, content: JsonMap): Promise<void> {
  const real = await realpath(path).catch(() => path);
  const { uid, gid } = await stat(real);
  const draft = join(dirname(real), `.cofferdam-${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    const own = await stat(draft);
    if (own.uid !== uid || own.gid !== gid) await chown(draft, uid, gid);
    await rename(draft, real);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Does something that only one process at a time may do with a login: a refresh token is good for once.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If another holds it for too long.
 */
export async function withLock<T>(name: string, path: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  const real = await realpath(path).catch(() => path);
  const lock = `${real}.cofferdam-lock`;
  while (!(await take(name, lock))) {
    if (signal.aborted) throw unavailable(name, "another process has held its file for too long");
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  try {
    return await act();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Folders are made by one alone, on every file system. */
async function take(name: string, lock: string): Promise<boolean> {
  try {
    await mkdir(lock, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw unavailable(name, `its file cannot be locked (${code})`);
  }
  const found = await stat(lock).catch(() => undefined);
  if (found !== undefined && Date.now() - found.mtimeMs > LOCK_STALE_MS)
    await rm(lock, { recursive: true, force: true });
  return false;
}
