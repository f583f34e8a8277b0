/**
 * The scripted guest of the memory runtime, as an author writes it.
 *
 * @module
 */
import type { Duplex } from "node:stream";

/** What lives in a sandbox that is only simulated. */
export interface Guest {
  /** Files that are there before anything runs, by their paths: absolute, or relative to the workspace. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Programs by their names, which lie in `/usr/bin`, or by absolute paths. */
  readonly programs?: Readonly<Record<string, GuestProgram>>;
}

/** A program: what it returns is its exit code, nothing is 0. A denial that it does not catch ends it with 1. */
export type GuestProgram = (self: GuestProcess) => number | undefined | Promise<number | undefined> | Promise<void>;

/** How a program of a guest is started by another one. */
export interface GuestStartOptions {
  readonly cwd?: string;
  /** Over the starting program's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A request of a guest's program. */
export interface GuestFetchOptions {
  /** @default "GET" */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/**
 * A program that runs in a simulated sandbox. Whatever it does to files, programs and hosts is judged as in a real one: what is
 * denied rejects with a {@link GuestError} of the errno that a real program would get.
 */
export interface GuestProcess {
  /** With its own name first. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
  /** Aborted when it is killed. What it does afterwards fails. */
  readonly signal: AbortSignal;
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  /** Replaces what is in the file, or makes it. */
  write(path: string, data: string | Uint8Array): Promise<void>;
  /** The names in a folder. */
  list(path: string): Promise<string[]>;
  mkdir(path: string): Promise<void>;
  /** Removes a file, or an empty folder. */
  remove(path: string): Promise<void>;
  /** Renames a file. Folders are not renamed here: what that carries past rules, only the real warden can tell. */
  rename(from: string, to: string): Promise<void>;
  /** Starts another program, whose output becomes part of this one's, and gives its exit code. */
  start(argv: readonly string[], options?: GuestStartOptions): Promise<number>;
  /** Connects to a host, as a socket that waits; nothing listens on the loopback. Half-open; destroying it is a reset. */
  connect(host: string, port: number): Promise<Duplex>;
  /** Sends an HTTP request as a client that trusts the sandbox's certificate; a denial is an answer. Redirects are not followed. */
  fetch(url: string | URL, options?: GuestFetchOptions): Promise<Response>;
  /** All of its standard input. */
  input(): Promise<string>;
  print(text: string | Uint8Array): Promise<void>;
  printError(text: string | Uint8Array): Promise<void>;
}

/** What the kernel would answer. */
export type GuestErrno = keyof typeof ERRNO;

/** The numbers of those errors: see errno(3). */
export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  ENOEXEC: 8,
  EACCES: 13,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  EOPNOTSUPP: 95,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;

/** An operation of a guest's program failed. */
export class GuestError extends Error {
  override readonly name: string = "GuestError";
  readonly errno: GuestErrno;
  readonly path: string;

  constructor(errno: GuestErrno, path: string) {
    super(`${errno}: ${path}`);
    this.errno = errno;
    this.path = path;
  }
}
