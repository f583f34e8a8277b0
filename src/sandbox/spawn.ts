/**
 * `sandbox.spawn`: the handle on a running program.
 *
 * @module
 */
import type { LinkProcess } from "../link/process.ts";
import { CHANNELS } from "../link/protocol.ts";
import { signalNumber } from "../link/signals.ts";
import { invalid, kindOf, terminalSize } from "./arguments.ts";
import { aborted, STANDARD_SIZE, START, type StartedProcess, startProcess } from "./command.ts";
import { CommandOutput } from "./command-output.ts";
import type { SandboxContext } from "./context.ts";
import { knownOptions, type Names } from "./known-options.ts";
import type { Command, CommandExit, CommandInput, OutputChunk, SpawnOptions, TerminalSize, Text } from "./types.ts";

const SPAWN: Names<SpawnOptions> = { ...START, pty: true, stdin: true };

/** The handle that `spawn` gives. */
export async function spawnCommand(
  context: SandboxContext,
  argv: readonly Text[],
  options: SpawnOptions,
): Promise<Command> {
  knownOptions("spawn", options, SPAWN);
  const pty = options.pty === true ? STANDARD_SIZE : options.pty || undefined;
  const output = new CommandOutput();
  const started = await startProcess(context, argv, { ...options, stdin: options.stdin === "pipe", pty }, output);
  if (started.pid === 0 && options.signal?.aborted) {
    await started.gone;
    throw aborted(options.signal);
  }
  return new SpawnedCommand(started, output, pty !== undefined || options.stdin === "pipe");
}

class SpawnedCommand implements Command {
  readonly pid: number;
  readonly stdin: CommandInput;
  readonly exited: Promise<CommandExit>;
  readonly gone: Promise<void>;
  readonly #process: LinkProcess;
  readonly #output: CommandOutput;
  readonly #streams = new Map<string, ReadableStream<Uint8Array>>();

  constructor({ process, pid, exited, gone }: StartedProcess, output: CommandOutput, hasInput: boolean) {
    this.pid = pid;
    this.exited = exited;
    this.gone = gone;
    this.#process = process;
    this.#output = output;
    this.stdin = {
      write: async (data) => hasInput && process.write(inputBytes(data)),
      end: () => {
        if (hasInput) process.endInput();
      },
    };
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#stream("stdout");
  }

  get stderr(): ReadableStream<Uint8Array> {
    return this.#stream("stderr");
  }

  [Symbol.asyncIterator](): AsyncGenerator<OutputChunk> {
    return this.#chunks(this.#output.ordered());
  }

  signal(name: string): void {
    this.#process.signal(signalNumber(name));
  }

  async kill(): Promise<void> {
    this.#process.kill();
    await this.gone.catch(() => undefined);
  }

  resize(size: TerminalSize): void {
    const { rows, columns } = terminalSize(size);
    this.#process.resize(rows, columns);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async *#chunks(next: () => Promise<OutputChunk | undefined>): AsyncGenerator<OutputChunk> {
    try {
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
        this.#process.taken(CHANNELS[chunk.channel], chunk.bytes.length);
        yield chunk;
      }
    } finally {
      // Whoever stops reading lets the program go on.
      for (const channel of [CHANNELS.stdout, CHANNELS.stderr]) this.#process.discard(channel);
      this.#output.clear();
    }
  }

  #stream(channel: OutputChunk["channel"]): ReadableStream<Uint8Array> {
    const known = this.#streams.get(channel);
    if (known !== undefined) return known;
    const source = this.#output.separate(channel);
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await source.next();
          if (bytes === undefined) return controller.close();
          this.#process.taken(CHANNELS[channel], bytes.length);
          controller.enqueue(bytes);
        },
        cancel: () => {
          this.#process.discard(CHANNELS[channel]);
          source.clear();
        },
      },
      { highWaterMark: 0 },
    );
    this.#streams.set(channel, stream);
    return stream;
  }
}

function inputBytes(data: string | Uint8Array): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw invalid("data", `Cannot write ${kindOf(data)} to a program`, data, "Give a string or a Uint8Array");
}
