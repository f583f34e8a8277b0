/**
 * Starting a program in the sandbox, and following its life.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { encodeMessage } from "../link/codec.ts";
import { errnoName } from "../link/errno.ts";
import { LinkProcess, type ProcessExit } from "../link/process.ts";
import { CODES, FLAGS, type MessageValues } from "../link/protocol.ts";
import { signalName } from "../link/signals.ts";
import { argvBytes, count, milliseconds, pathBytes } from "./arguments.ts";
import type { SandboxContext } from "./context.ts";
import { environmentBytes } from "./environment.ts";
import { promised } from "./promised.ts";
import type { CommandExit, StartOptions, TerminalSize, Text } from "./types.ts";

/** What a started program's owner gets. */
export interface StartedProcess {
  readonly process: LinkProcess;
  readonly pid: number;
  readonly exited: Promise<CommandExit>;
  readonly gone: Promise<void>;
}

/** What an owner does with output. */
export interface OutputHandlers {
  onData(channel: "stdout" | "stderr", data: Buffer, process: LinkProcess): void;
  onEnd(channel: "stdout" | "stderr", error?: SandboxError): void;
}

/** The size of a terminal that nobody sized. */
export const STANDARD_SIZE: TerminalSize = { rows: 24, columns: 80 };

/**
 * Starts a program. Settles when it runs.
 *
 * @throws {SandboxError} EXEC_FAILED If it cannot be started.
 * @throws {SandboxError} ABORTED If `options.signal` says so first.
 */
export async function startProcess(
  context: SandboxContext,
  argv: readonly Text[],
  options: StartOptions & { readonly stdin?: boolean; readonly pty?: TerminalSize | undefined },
  handlers: OutputHandlers,
): Promise<StartedProcess> {
  if (options.signal?.aborted) throw aborted(options.signal);
  const request = encodeRequest(context, argv, options);
  const started = performance.now();
  const life = new ProcessLife(context, argv, started);
  const process = await LinkProcess.open(context.link, life.events(handlers), request);
  life.process = process;
  const abort = () => process.kill();
  options.signal?.addEventListener("abort", abort, { once: true });
  // An abort while the stream opened was not heard yet.
  if (options.signal?.aborted) abort();
  void life.gone.promise.catch(() => undefined).then(() => options.signal?.removeEventListener("abort", abort));
  const pid = await life.started.promise.catch((error: unknown) => {
    throw options.signal?.aborted ? aborted(options.signal) : error;
  });
  return { process, pid, exited: life.exited.promise, gone: life.gone.promise };
}

/** The error of an aborted command. */
export function aborted(signal: AbortSignal): SandboxError<"ABORTED"> {
  return new SandboxError("ABORTED", "Cannot finish the command: its signal was aborted", {
    details: { operation: "exec" },
    hint: "Everything that it had started was killed",
    cause: signal.reason,
  });
}

function encodeRequest(
  context: SandboxContext,
  argv: readonly Text[],
  options: StartOptions & { readonly stdin?: boolean; readonly pty?: TerminalSize | undefined },
): (stream: number) => Buffer {
  const size = options.pty ?? STANDARD_SIZE;
  const term = options.pty === undefined ? {} : { TERM: "xterm-256color" };
  const asked = milliseconds("timeoutMs", options.timeoutMs);
  const bound = Math.min(asked ?? Infinity, context.timeoutMs ?? Infinity);
  const message: MessageValues<"exec"> = {
    flags: (options.pty === undefined ? 0 : FLAGS.exec.pty) | (options.stdin ? FLAGS.exec.stdin : 0),
    rows: count("rows", size.rows, 1),
    columns: count("columns", size.columns, 1),
    timeoutMs: Number.isFinite(bound) ? bound : 0,
    cwd: pathBytes("cwd", options.cwd ?? "."),
    argv: argvBytes(argv),
    env: environmentBytes({ ...context.environment, ...term, ...options.env }),
  };
  return (stream) => encodeMessage("exec", message, stream);
}

class ProcessLife {
  readonly started = promised<number>();
  readonly exited = promised<CommandExit>();
  readonly gone = promised<void>();
  process: LinkProcess | undefined;
  readonly #context: SandboxContext;
  readonly #argv: readonly Text[];
  readonly #from: number;

  constructor(context: SandboxContext, argv: readonly Text[], from: number) {
    this.#context = context;
    this.#argv = argv;
    this.#from = from;
    // Nobody may be listening to these; their rejections are told through `started` or the output as well.
    for (const { promise } of [this.started, this.exited, this.gone]) promise.catch(() => undefined);
  }

  events(handlers: OutputHandlers): Parameters<typeof LinkProcess.open>[1] {
    const sink = (channel: "stdout" | "stderr") => ({
      onData: (data: Buffer) => this.process && handlers.onData(channel, data, this.process),
      onEnd: () => handlers.onEnd(channel),
    });
    return {
      stdout: sink("stdout"),
      stderr: sink("stderr"),
      onStarted: (pid) => {
        this.#context.audit.commandStarted(this.#argv, pid);
        this.started.resolve(pid);
      },
      onExited: (exit) => this.#onExited(exit),
      onFailed: (failure) => this.#onFailed(failure, handlers),
      onGone: () => this.gone.resolve(),
      onLost: (error) => this.#fail(error, handlers),
    };
  }

  #onExited(raw: ProcessExit): void {
    const exit: CommandExit = {
      exitCode: raw.signal === 0 ? raw.code : null,
      signal: raw.signal === 0 ? null : signalName(raw.signal),
      timedOut: raw.timedOut,
      durationMs: performance.now() - this.#from,
    };
    this.#context.audit.commandEnded(this.#argv, exit);
    // Killed before it started: nobody learns its pid any more.
    this.started.resolve(0);
    this.exited.resolve(exit);
  }

  #onFailed({ stage, errno }: MessageValues<"failed">, handlers: OutputHandlers): void {
    const error = execFailed(this.#argv, stage, errnoName(errno));
    this.#context.audit.commandRefused(this.#argv, error);
    this.#fail(error, handlers);
  }

  #fail(error: SandboxError, handlers: OutputHandlers): void {
    this.started.reject(error);
    this.exited.reject(error);
    this.gone.reject(error);
    handlers.onEnd("stdout", error);
    handlers.onEnd("stderr", error);
  }
}

function execFailed(argv: readonly Text[], stage: number, errno: string): SandboxError<"EXEC_FAILED"> {
  const program = display(argv[0]);
  const name = Object.entries(CODES.stage).find(([, code]) => code === stage)?.[0] ?? `stage ${stage}`;
  const what = name === "directory" ? "its working directory cannot be entered" : `${name} failed`;
  return new SandboxError("EXEC_FAILED", `Cannot start ${JSON.stringify(program)}: ${what} with ${errno}`, {
    details: { program, errno, stage: name },
    hint: hintFor(name, errno),
  });
}

function display(text: Text | undefined): string {
  return typeof text === "string" ? text : Buffer.from(text ?? []).toString();
}

function hintFor(stage: string, errno: string): string {
  if (stage === "directory") return "Check cwd: it must exist in the sandbox";
  if (errno === "ENOENT") return "Check the name and the sandbox's PATH, and that the policy grants the file and its interpreter";
  if (errno === "EACCES") return "The file must be executable, and it and its loader readable under the policy";
  if (errno === "EAGAIN") return "The sandbox is at its limit of processes";
  if (errno === "E2BIG") return "Arguments and environment are too long for the kernel";
  return "See execve(2) for what the error means";
}
