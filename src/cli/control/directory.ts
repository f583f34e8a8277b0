/**
 * Where sandboxes that outlive their terminal are found: one folder of this user's, with a socket and a log for each.
 *
 * @module
 */
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getuid } from "node:process";
import { UsageError } from "../failure.ts";

/** What a sandbox may be called. */
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** The longest path of a socket, in bytes: `sun_path` of unix(7), with its NUL. */
const SOCKET_PATH_MAX = 107;

/** @throws {UsageError} If nothing may be called that. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(
    `Cannot call a sandbox ${JSON.stringify(name)}: a name has lower-case letters, digits and "-", at most 40`,
  );
}

/**
 * The folder: `cofferdam` in `XDG_RUNTIME_DIR`, else one of this user's in the temporary directory. Who may enter it can
 * command what runs, so it is this user's alone, or not used.
 */
export function controlDirectory(): string {
  const { XDG_RUNTIME_DIR } = process.env;
  const uid = getuid?.() ?? 0;
  const path = XDG_RUNTIME_DIR ? join(XDG_RUNTIME_DIR, "cofferdam") : join(tmpdir(), `cofferdam-${uid}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stats = lstatSync(path);
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o077) !== 0) {
    throw new Error(`Cannot keep sockets in "${path}": it is not a folder that only you may enter`);
  }
  return path;
}

/** The socket of a sandbox. */
export function socketPath(name: string): string {
  const path = join(controlDirectory(), `${checkName(name)}.sock`);
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path;
  throw new UsageError(`Cannot listen on "${path}": a socket's path has at most ${SOCKET_PATH_MAX} bytes`);
}

/** What a sandbox and its program said. The older half is in a file of the same name and `.1`. */
export function logPath(name: string): string {
  return join(controlDirectory(), `${checkName(name)}.log`);
}

/** The names of all that have a socket, alive or not. */
export function socketNames(): string[] {
  return readdirSync(controlDirectory())
    .filter((file) => file.endsWith(".sock"))
    .map((file) => file.slice(0, -".sock".length))
    .filter((name) => NAME.test(name))
    .sort();
}
