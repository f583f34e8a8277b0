/**
 * What the exit codes mean. Scripts rely on them.
 *
 * @module
 */

/** The exit codes of commands that start nothing. */
export const EXIT = {
  ok: 0,
  /** Something was looked at, and is not as it should be. */
  problem: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Neither allowed nor denied, but asked about: by `policy explain`, and by a gate of `pipeline`. */
  asks: 3,
  /** Of `pipeline`: a gate was denied. */
  denied: 4,
  /** Of `pipeline`: it was interrupted, and can be resumed. */
  interrupted: 5,
  /** The sandbox could not be had. From here on as `docker run` does, where 126 and 127 are the program's. */
  sandbox: 125,
  notExecutable: 126,
  notFound: 127,
} as const;

/** What a shell says of a program that a signal has ended: 128 and its number. */
export const SIGNAL_BASE = 128;
