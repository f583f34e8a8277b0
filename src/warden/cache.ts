/**
 * The folder where built wardens are kept: private, or not used.
 *
 * @module
 */
import { lstat, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { getuid } from "node:process";
import { SandboxError } from "../errors.ts";

/** Where this user's cache is: `COFFERDAM_CACHE`, else `cofferdam` in `XDG_CACHE_HOME` or `~/.cache`. */
export function cachePath(): string {
  const { COFFERDAM_CACHE, XDG_CACHE_HOME } = process.env;
  return COFFERDAM_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "cofferdam");
}

/**
 * The cache folder of wardens, made if it is missing.
 *
 * @throws {SandboxError} WARDEN_UNAVAILABLE If somebody else could put a program there.
 */
export async function cacheDirectory(): Promise<string> {
  const directory = join(cachePath(), "warden");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(directory);
  const owner = getuid?.() ?? uid;
  if (uid !== owner || (mode & 0o022) !== 0) {
    throw new SandboxError("WARDEN_UNAVAILABLE", `Cannot keep the warden in "${directory}"`, {
      details: { reason: "the folder belongs to, or can be written by, another user" },
      hint: "Set COFFERDAM_CACHE to a folder that only you can write",
    });
  }
  return directory;
}
