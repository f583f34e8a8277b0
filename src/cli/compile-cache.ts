/**
 * Keeps what the engine has compiled for the next call.
 *
 * @module
 */
import { lstatSync, mkdirSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { getuid } from "node:process";

/** Newer than the oldest Node that this is for, and not in every runtime. */
interface Compiles {
  readonly enableCompileCache?: (directory: string) => unknown;
}

/**
 * From now on, where this runtime can do it. In a folder of this user's alone: whoever writes there decides what runs here,
 * and the folder that Node would take by itself lies in the temporary directory, where anybody may be first.
 */
export function cacheCompiled(): void {
  const { enableCompileCache } = module as Compiles;
  if (enableCompileCache === undefined || process.env.NODE_DISABLE_COMPILE_CACHE) return;
  try {
    enableCompileCache(privateFolder());
  } catch {
    // It is only slower without.
  }
}

function privateFolder(): string {
  const { COFFERDAM_CACHE, XDG_CACHE_HOME } = process.env;
  const path = COFFERDAM_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "cofferdam");
  const folder = join(path, "compiled");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (uid !== (getuid?.() ?? uid) || (mode & 0o022) !== 0) throw new Error("others may write there");
  return folder;
}
