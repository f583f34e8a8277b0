/**
 * The folder of this user's host that keeps what outlives sandboxes: private, or not used.
 *
 * @module
 */
import { lstat, mkdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { SandboxError } from "../errors.ts";

/**
 * A folder in the state folder, made if it is missing, without symlinks in its path: `COFFERDAM_STATE`, else `cofferdam` in
 * `XDG_STATE_HOME` or `~/.local/state`.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 * @throws {SandboxError} STATE_UNUSABLE If somebody else could reach what is in it.
 */
export async function stateDirectory(name: string): Promise<string> {
  const { COFFERDAM_STATE, XDG_STATE_HOME } = process.env;
  const base = XDG_STATE_HOME && isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(homedir(), ".local", "state");
  const path = COFFERDAM_STATE || join(base, "cofferdam");
  try {
    await mkdir(join(path, name), { recursive: true, mode: 0o700 });
    for (const folder of [path, join(path, name)]) await requirePrivate(folder);
    return await realpath(join(path, name));
  } catch (error) {
    throw SandboxError.is(error)
      ? error
      : unusable(path, error instanceof Error ? error.message : String(error), error);
  }
}

async function requirePrivate(folder: string): Promise<void> {
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw unusable(folder, "it is not a folder");
  if (stats.uid !== (process.geteuid?.() ?? stats.uid)) throw unusable(folder, "it belongs to another user");
  if ((stats.mode & 0o077) !== 0) throw unusable(folder, "other users may enter it");
}

function unusable(path: string, reason: string, cause?: unknown): SandboxError<"STATE_UNUSABLE"> {
  return new SandboxError("STATE_UNUSABLE", `Cannot keep state in "${path}": ${reason}`, {
    details: { path, reason },
    hint: "Set COFFERDAM_STATE to a folder of yours that nobody else may enter (mode 0700)",
    ...(cause === undefined ? {} : { cause }),
  });
}
