/**
 * The types of what a sandbox can be asked to do.
 *
 * @module
 */

/** A string, or bytes for what is no text: Linux takes any bytes but NUL. */
export type Text = string | Uint8Array;

/** Data for a program's input or a file. */
export type InputData = string | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

/** What every way to start a program takes. */
export interface StartOptions {
  /** Absolute, or relative to the workspace. @default "/workspace" */
  readonly cwd?: Text;
  /** Variables over the sandbox's own; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Kills the program and everything that it started after so many milliseconds.
   *
   * @default the policy's `process.limits.timeout`, which is also the most it can be; else none
   */
  readonly timeoutMs?: number;
  /** Kills the program and everything that it started. */
  readonly signal?: AbortSignal;
}

/** The options of `exec`. Sizes are bytes, times milliseconds. */
export interface ExecOptions extends StartOptions {
  /** What the program reads. @default nothing: `/dev/null` */
  readonly stdin?: InputData;
  /** Bytes kept of each output, at most 268435456; what comes past is dropped, and `truncated` says so. @default 16777216 */
  readonly maxOutputBytes?: number;
  /** Whether a program that fails makes the promise reject. @default false */
  readonly check?: boolean;
}

/** What came of a program. */
export interface ExecResult {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  /** For instance `"SIGKILL"`; null if it exited by itself. */
  readonly signal: string | null;
  /** As UTF-8; what is not is replaced. `stdoutBytes` has every byte. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderrBytes: Uint8Array;
  /** Whether it took longer than it might. */
  readonly timedOut: boolean;
  /** Whether an output was longer than `maxOutputBytes`. */
  readonly truncated: boolean;
  /** From the call to the exit. */
  readonly durationMs: number;
}

/** The size of a terminal, in character cells. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The options of `spawn`. */
export interface SpawnOptions extends StartOptions {
  /** Whether the program gets a terminal, and how large. @default false */
  readonly pty?: boolean | TerminalSize;
  /** `pipe`: what is written to `command.stdin`. A terminal always has one. @default "ignore" */
  readonly stdin?: "pipe" | "ignore";
}

/** A piece of output, in the order of arrival. */
export interface OutputChunk {
  readonly channel: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

/** How a program ended. */
export interface CommandExit {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** From the start to the exit. */
  readonly durationMs: number;
}

/** What a program reads. */
export interface CommandInput {
  /**
   * Writes, in the order of the calls. Settles when the data is on its way; false if the program does not read any more.
   * A string is sent as UTF-8.
   *
   * @throws {SandboxError} ARGUMENT_INVALID If it is neither a string nor bytes.
   */
  write(data: string | Uint8Array): Promise<boolean>;
  /** Ends the input. For a terminal this types the end-of-file character. */
  end(): void;
}

/**
 * A program that runs. Iterate over it, once, or read its two streams: output that nobody reads makes the program wait.
 *
 * @example
 * ```ts
 * import { createSandbox } from "cofferdam";
 *
 * await using sandbox = await createSandbox({ version: 1 });
 * await using command = await sandbox.spawn(["sh", "-c", "echo working; echo done >&2"]);
 * for await (const { channel, bytes } of command) console.log(channel, new TextDecoder().decode(bytes));
 * console.log((await command.exited).exitCode);
 * ```
 */
export interface Command extends AsyncIterable<OutputChunk>, AsyncDisposable {
  /** In the sandbox. */
  readonly pid: number;
  readonly stdin: CommandInput;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Settles when the program itself has ended, whether its output was read or not. */
  readonly exited: Promise<CommandExit>;
  /** Settles when nothing that it started is left. */
  readonly gone: Promise<void>;
  /** Sends a signal, for instance `"SIGTERM"`, to its process group. */
  signal(name: string): void;
  /** Kills it and everything that it started; settles when all of it is gone. */
  kill(): Promise<void>;
  /** Changes the size of its terminal. */
  resize(size: TerminalSize): void;
}

/** The kinds of files. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** What a file is. */
export interface FileEntry {
  /** As UTF-8; what is not is replaced, and only `nameBytes` is exact. */
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly kind: FileKind;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  /** In bytes. */
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Of a symlink: what it says. */
  readonly target?: string;
}
