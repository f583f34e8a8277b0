/**
 * A login's file on the host: read, and written back where its tokens were renewed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { chown, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unavailable } from "../failure.ts";
import { type JsonMap, parseMap } from "./json.ts";

/** Longer than any that agents write, in bytes. */
const LENGTH_MAX = 1_048_576;

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
