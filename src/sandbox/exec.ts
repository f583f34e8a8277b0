/**
 * `sandbox.exec`: a program from start to end, with its output.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { LinkProcess } from "../link/process.ts";
import { CHANNELS } from "../link/protocol.ts";
import { count, inputChunks } from "./arguments.ts";
import { aborted, type OutputHandlers, startProcess } from "./command.ts";
import type { SandboxContext } from "./context.ts";
import { promised } from "./promised.ts";
import type { ExecOptions, ExecResult, InputData, Text } from "./types.ts";

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Runs a program and collects its output. See {@link Sandbox.exec}. */
export async function execCommand(
  context: SandboxContext,
  argv: readonly Text[],
  options: ExecOptions = {},
): Promise<ExecResult> {
  const max = count("maxOutputBytes", options.maxOutputBytes ?? OUTPUT_BYTES_MAX, 0);
  const output = { stdout: new Collector(max), stderr: new Collector(max) };
  const handlers: OutputHandlers = {
    onData: (channel, data, process) => output[channel].take(data, process, CHANNELS[channel]),
    onEnd: (channel, error) => output[channel].end(error),
  };
  const started = await startProcess(context, argv, { ...options, stdin: options.stdin !== undefined }, handlers);
  const feeding = feed(started.process, options.stdin);
  const [exit] = await Promise.all([started.exited, output.stdout.ended, output.stderr.ended, feeding]);
  if (options.signal?.aborted) {
    // The promise says that nothing is left, so it waits until nothing is.
    await started.gone;
    throw aborted(options.signal);
  }
  // A kill takes a moment to reach everything.
  if (exit.timedOut) await started.gone;
  const result = toResult(exit, output);
  if (options.check && (result.exitCode !== 0 || result.timedOut)) throw commandFailed(argv, result);
  return result;
}

/** Output up to a bound. What is past it is not even sent by the warden. */
class Collector {
  readonly ended: Promise<void>;
  readonly #end = promised<void>();
  readonly #pieces: Buffer[] = [];
  #left: number;
  truncated = false;

  constructor(max: number) {
    this.#left = max;
    this.ended = this.#end.promise;
    this.ended.catch(() => undefined);
  }

  take(data: Buffer, process: LinkProcess, channel: number): void {
    process.taken(channel, data.length);
    if (data.length <= this.#left) {
      this.#pieces.push(data);
      this.#left -= data.length;
      return;
    }
    if (!this.truncated) process.discard(channel);
    this.truncated = true;
    if (this.#left > 0) this.#pieces.push(data.subarray(0, this.#left));
    this.#left = 0;
  }

  end(error: SandboxError | undefined): void {
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

async function feed(process: LinkProcess, data: InputData | undefined): Promise<void> {
  if (data === undefined) return;
  try {
    for await (const chunk of inputChunks(data)) if (!(await process.write(chunk))) break;
  } catch (error) {
    // Half an input is no input: the program must not take it for the whole.
    process.kill();
    throw error;
  }
  process.endInput();
}

function toResult(
  exit: { exitCode: number | null; signal: string | null; timedOut: boolean; durationMs: number },
  { stdout, stderr }: { stdout: Collector; stderr: Collector },
): ExecResult {
  const [stdoutBytes, stderrBytes] = [stdout.bytes(), stderr.bytes()];
  return {
    exitCode: exit.exitCode,
    signal: exit.signal,
    stdout: stdoutBytes.toString(),
    stderr: stderrBytes.toString(),
    stdoutBytes,
    stderrBytes,
    timedOut: exit.timedOut,
    truncated: stdout.truncated || stderr.truncated,
    durationMs: exit.durationMs,
  };
}

function commandFailed(argv: readonly Text[], result: ExecResult): SandboxError<"COMMAND_FAILED"> {
  const words = argv.map((word) => (typeof word === "string" ? word : Buffer.from(word).toString()));
  const how = result.timedOut
    ? "it took too long"
    : result.signal === null
      ? `it exited with ${result.exitCode}`
      : `it was ended by ${result.signal}`;
  const said = result.stderr.trim().split("\n").at(-1)?.slice(0, 200);
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
