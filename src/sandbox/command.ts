/**
 * Starting a program in the sandbox, and following its life.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { assertNotInHook } from "../hooks/mod.ts";
import { encodeMessage } from "../link/codec.ts";
import { errnoName } from "../link/errno.ts";
import { LinkProcess, type ProcessEvents, type ProcessExit } from "../link/process.ts";
import { FLAGS, type MessageValues } from "../link/protocol.ts";
import { signalName } from "../link/signals.ts";
import { stageName } from "../link/start-failure.ts";
import { abortSignal, argvBytes, milliseconds, pathBytes, terminalSize } from "./arguments.ts";
import type { SandboxContext } from "./context.ts";
import { environmentBytes } from "./environment.ts";
import type { Names } from "./known-options.ts";
import { promised } from "./promised.ts";
import type { CommandExit, StartOptions, TerminalSize, Text } from "./types.ts";

/** What a started program's owner gets. */
export interface StartedProcess {
  readonly process: LinkProcess;
  /** 0: it was killed before it started. */
  readonly pid: number;
  readonly exited: Promise<CommandExit>;
  readonly gone: Promise<void>;
  /** Lets what is still running be: an abort does not reach it any more. */
  detach(): void;
}

/** What a program is started with. */
export interface ProcessOptions extends StartOptions {
  /** Whether it reads what is written to it. */
  readonly stdin: boolean;
  readonly pty?: TerminalSize | undefined;
}

/** What an owner does with output. */
export interface OutputHandlers {
  onData(channel: "stdout" | "stderr", data: Buffer, process: LinkProcess): void;
  onEnd(channel: "stdout" | "stderr", error?: SandboxError): void;
}

/** The names of what exec and spawn both take. */
export const START: Names<StartOptions> = { cwd: true, env: true, timeoutMs: true, signal: true };

/** The size of a terminal that nobody sized. */
export const STANDARD_SIZE: TerminalSize = { rows: 24, columns: 80 };

/**
 * Starts a program. Settles when it runs, or has been killed before it could.
 *
 * @throws {SandboxError} EXEC_FAILED If it cannot be started.
 * @throws {SandboxError} ABORTED If `options.signal` says so before it has a place in the sandbox.
 */
export async function startProcess(
  context: SandboxContext,
  argv: readonly Text[],
  options: ProcessOptions,
  handlers: OutputHandlers,
): Promise<StartedProcess> {
  const signal = abortSignal(options.signal);
  if (signal?.aborted) throw aborted(signal);
  // It would wait for the decision that waits for it.
  assertNotInHook(context.id, "exec");
  const request = encodeRequest(context, argv, options);
  const life = new ProcessLife(context, argv, options.cwd, performance.now());
  let opened: LinkProcess | undefined;
  const program = { kill: () => opened?.kill(), gone: life.gone.promise };
  const events = (process: LinkProcess) => {
    opened = process;
    return life.events(process, handlers);
  };
  // It is the policy's business from the moment that it is asked for.
  const send = (stream: number) => {
    const frame = request(stream);
    context.running.add(program);
    return frame;
  };
  const process = await LinkProcess.open(context.link, events, send, signal).catch((error: unknown) => {
    throw signal?.aborted && !SandboxError.is(error) ? aborted(signal) : error;
  });
  const abort = () => process.kill();
  const detach = () => signal?.removeEventListener("abort", abort);
  signal?.addEventListener("abort", abort, { once: true });
  // An abort while the stream opened was not heard yet.
  if (signal?.aborted) abort();
  const over = () => {
    detach();
    context.running.delete(program);
  };
  life.gone.promise.then(over, over);
  const pid = await life.started.promise.catch((error: unknown) => {
    throw signal?.aborted && SandboxError.is(error, "EXEC_FAILED") ? aborted(signal) : error;
  });
  return { process, pid, exited: life.exited.promise, gone: life.gone.promise, detach };
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
  options: ProcessOptions,
): (stream: number) => Buffer {
  const { rows, columns } = terminalSize(options.pty ?? STANDARD_SIZE);
  const term = options.pty === undefined ? {} : { TERM: "xterm-256color" };
  const asked = milliseconds("timeoutMs", options.timeoutMs);
  const bound = Math.min(asked ?? Infinity, context.timeoutMs ?? Infinity);
  const message: MessageValues<"exec"> = {
    flags: (options.pty === undefined ? 0 : FLAGS.exec.pty) | (options.stdin ? FLAGS.exec.stdin : 0),
    rows,
    columns,
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
  readonly #context: SandboxContext;
  readonly #argv: readonly Text[];
  readonly #cwd: Text | undefined;
  readonly #from: number;

  constructor(context: SandboxContext, argv: readonly Text[], cwd: Text | undefined, from: number) {
    this.#context = context;
    this.#argv = argv;
    this.#cwd = cwd;
    this.#from = from;
    // Nobody may be listening to these; their rejections are told through `started` or the output as well.
    for (const { promise } of [this.started, this.exited, this.gone]) promise.catch(() => undefined);
  }

  events(process: LinkProcess, handlers: OutputHandlers): ProcessEvents {
    const sink = (channel: "stdout" | "stderr") => ({
      onData: (data: Buffer) => handlers.onData(channel, data, process),
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
    const error = execFailed(this.#argv, this.#cwd, stage, errnoName(errno));
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

function execFailed(
  argv: readonly Text[],
  cwd: Text | undefined,
  stage: number,
  errno: string,
): SandboxError<"EXEC_FAILED"> {
  const program = display(argv[0]);
  const name = stageName(stage);
  const what =
    name === "directory"
      ? `its working directory ${JSON.stringify(display(cwd ?? "."))} cannot be entered`
      : `${name} failed`;
  return new SandboxError("EXEC_FAILED", `Cannot start ${JSON.stringify(program)}: ${what} with ${errno}`, {
    details: { program, errno, stage: name },
    hint: hintFor(name, errno, argv),
  });
}

function display(text: Text | undefined): string {
  return typeof text === "string" ? text : Buffer.from(text ?? []).toString();
}

function hintFor(stage: string, errno: string, argv: readonly Text[]): string {
  if (stage === "directory") return "Check cwd: it must be a folder of the sandbox, where the workspace is /workspace";
  if (errno === "ENOENT" && argv.length === 1 && /\s/.test(display(argv[0]).trim()))
    return 'Give each argument by itself, as in ["ls", "-l"], or shell source to sandbox.sh`...`';
  if (errno === "ENOENT")
    return "Check the name and the sandbox's PATH, and that the policy grants the file and its interpreter";
  if (errno === "EACCES") return "The file must be executable, and it and its loader readable under the policy";
  if (errno === "EAGAIN") return "The sandbox is at its limit of processes";
  if (errno === "E2BIG") return "Arguments and environment are too long for the kernel";
  return "See execve(2) for what the error means";
}
