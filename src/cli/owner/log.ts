/**
 * The log of a sandbox in the background: what its program and its owner said, of bounded size.
 *
 * @module
 */
import { constants, copyFileSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { logPath } from "../control/directory.ts";

/** How long a log gets before its content becomes the older half, in bytes. */
const LOG_BYTES_MAX = 4 * 2 ** 20;

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/** Opens an empty one, for this user alone. It becomes the error output of the owner, which so says all it says there. */
export function createLog(name: string): number {
  const path = logPath(name);
  try {
    unlinkSync(`${path}.1`);
  } catch {
    // There was none.
  }
  // Emptied when it is open: Deno opens nothing to append that it is to empty as well.
  const log = openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  ftruncateSync(log);
  return log;
}

/** Writes to the log of that name, which is open. */
export function logWriter(name: string, log: number): (bytes: Uint8Array) => void {
  const path = logPath(name);
  return (bytes) => {
    try {
      if (fstatSync(log).size > LOG_BYTES_MAX) {
        copyFileSync(path, `${path}.1`);
        ftruncateSync(log);
      }
      writeSync(log, bytes);
    } catch {
      // A full disk must not end what is logged.
    }
  };
}
