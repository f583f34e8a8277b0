/**
 * Files that the command line writes for its caller.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UsageError } from "../failure.ts";

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

/**
 * Opens a file before anything runs: a path that cannot be used is told in time, and a link that a program puts there
 * meanwhile leads nowhere. Undefined: none is wanted.
 */
export async function openOutFile(option: string, path: string | undefined): Promise<FileHandle | undefined> {
  if (path === undefined) return undefined;
  try {
    return await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ELOOP" ? "it is a symlink" : (error as Error).message;
    throw new UsageError(`Cannot write ${option} to "${path}": ${why}`);
  }
}
