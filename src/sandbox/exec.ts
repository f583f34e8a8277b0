/**
 * `sandbox.exec`: a program from start to end, with its output.
 *
 * @module
 */
import type { KnownSecret } from "../audit/mod.ts";
import { scrubText } from "../credentials/mod.ts";
import { SandboxError } from "../errors.ts";
import { ByteQueue } from "../link/byte-queue.ts";
import type { LinkProcess } from "../link/process.ts";
import { CHANNELS } from "../link/protocol.ts";
import { count } from "./arguments.ts";
import { aborted, type OutputHandlers, START, startProcess } from "./command.ts";
import type { SandboxContext } from "./context.ts";
import { checkInput, feedInput } from "./input.ts";
import { knownOptions, type Names } from "./known-options.ts";
import { promised } from "./promised.ts";
import type { ExecOptions, ExecResult, Text } from "./types.ts";

const EXEC: Names<ExecOptions> = { ...START, stdin: true, maxOutputBytes: true, check: true };
const OUTPUT_BYTES_DEFAULT = 16 * 1024 * 1024;
/** What fits into a string on every runtime, with room. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Runs a program and collects its output. See {@link Sandbox.exec}. */
export async function execCommand(
  context: SandboxContext,
  argv: readonly Text[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  knownOptions("exec", options, EXEC);
  const max = count("maxOutputBytes", options.maxOutputBytes ?? OUTPUT_BYTES_DEFAULT, 0, OUTPUT_BYTES_MAX);
  const { signal, stdin } = options;
  if (stdin !== undefined) checkInput("stdin", stdin);
  const output = { stdout: new Collector(max), stderr: new Collector(max) };
  const handlers: OutputHandlers = {
    onData: (channel, data, process) => output[channel].add(data, process, CHANNELS[channel]),
    onEnd: (channel, error) => output[channel].end(error),
  };
  const started = await startProcess(context, argv, { ...options, stdin: stdin !== undefined }, handlers);
  try {
    const feeding = stdin === undefined ? undefined : feedInput(started.process, stdin, started.exited);
    const [exit] = await Promise.all([started.exited, output.stdout.ended, output.stderr.ended, feeding]);
    // The promise says that nothing is left then, so it waits until nothing is. A kill takes a moment.
    if (signal?.aborted || exit.timedOut) await started.gone;
    if (signal?.aborted) throw aborted(signal);
    const result = toResult(exit, output);
    if (options.check && (result.exitCode !== 0 || result.timedOut)) {
      throw commandFailed(argv, result, context.audit.secrets());
    }
    return result;
  } finally {
    started.detach();
  }
}

/** Output up to a bound. What is past it is not even sent by the warden. */
class Collector {
  readonly ended: Promise<void>;
  readonly #end = promised<void>();
  readonly #queue = new ByteQueue();
  readonly #max: number;
  truncated = false;

  constructor(max: number) {
    this.#max = max;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined);
  }

  add(data: Buffer, process: LinkProcess, channel: number): void {
    const room = this.#max - this.#queue.size;
    this.#queue.push(data.length > room ? data.subarray(0, room) : data);
    if (data.length <= room) {
      process.taken(channel, data.length);
      return;
    }
    this.truncated = true;
    process.discard(channel);
  }

  end(error: SandboxError | undefined): void {
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }

  bytes(): Uint8Array {
    return this.#queue.take();
  }
}

function toResult(
  exit: { exitCode: number | null; signal: string | null; timedOut: boolean; durationMs: number },
  { stdout, stderr }: { stdout: Collector; stderr: Collector },
): ExecResult {
  const [stdoutBytes, stderrBytes] = [stdout.bytes(), stderr.bytes()];
  return {
    exitCode: exit.exitCode,
    signal: exit.signal,
    stdout: Buffer.from(stdoutBytes.buffer).toString(),
    stderr: Buffer.from(stderrBytes.buffer).toString(),
    stdoutBytes,
    stderrBytes,
    timedOut: exit.timedOut,
    truncated: stdout.truncated || stderr.truncated,
    durationMs: exit.durationMs,
  };
}

function commandFailed(
  argv: readonly Text[],
  result: ExecResult,
  secrets: readonly KnownSecret[],
): SandboxError<"COMMAND_FAILED"> {
  const words = argv.map((word) => (typeof word === "string" ? word : Buffer.from(word).toString()));
  const how = result.timedOut
    ? "it took too long"
    : result.signal === null
      ? `it exited with ${result.exitCode}`
      : `it was ended by ${result.signal}`;
  // Before the cut, which may go through a secret.
  const said = scrubText(result.stderr, secrets).trim().split("\n").at(-1)?.slice(0, 200);
  return new SandboxError("COMMAND_FAILED", `Cannot go on after ${JSON.stringify(words[0])}: ${how}`, {
    details: {
      argv: words,
      exitCode: result.exitCode,
      signal: result.signal,
      timedOut: result.timedOut,
      stdout: result.stdout,
      stderr: result.stderr,
    },
    hint: said ? `It said: ${JSON.stringify(said)}` : "It said nothing on its error output",
  });
}
