/**
 * `sandbox.spawn`: the handle on a running program.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { LinkProcess } from "../link/process.ts";
import { CHANNELS } from "../link/protocol.ts";
import { signalNumber } from "../link/signals.ts";
import { count } from "./arguments.ts";
import { type OutputHandlers, STANDARD_SIZE, type StartedProcess, startProcess } from "./command.ts";
import type { SandboxContext } from "./context.ts";
import { OutputQueue } from "./output-queue.ts";
import type { Command, CommandExit, CommandInput, OutputChunk, SpawnOptions, TerminalSize, Text } from "./types.ts";

/** The handle that `spawn` gives. */
export async function spawnCommand(context: SandboxContext, argv: readonly Text[], options: SpawnOptions): Promise<Command> {
  const pty = options.pty === true ? STANDARD_SIZE : options.pty || undefined;
  const output = new CommandOutput();
  const started = await startProcess(context, argv, { ...options, stdin: options.stdin === "pipe", pty }, output);
  return new SpawnedCommand(started, output, pty !== undefined || options.stdin === "pipe");
}

/** Output as one ordered queue, or as two streams: whichever is asked for first. */
class CommandOutput implements OutputHandlers {
  readonly #all = new OutputQueue<OutputChunk>();
  readonly #each = { stdout: new OutputQueue<Uint8Array>(), stderr: new OutputQueue<Uint8Array>() };
  #open = 2;
  #mode: "undecided" | "ordered" | "separate" = "undecided";

  onData(channel: "stdout" | "stderr", bytes: Buffer): void {
    if (this.#mode === "separate") this.#each[channel].push(bytes);
    else this.#all.push({ channel, bytes });
  }

  onEnd(channel: "stdout" | "stderr", error?: SandboxError): void {
    this.#each[channel].end(error);
    this.#open--;
    if (this.#open === 0 || error !== undefined) this.#all.end(error);
  }

  ordered(): OutputQueue<OutputChunk> {
    this.#decide("ordered");
    return this.#all;
  }

  separate(channel: "stdout" | "stderr"): OutputQueue<Uint8Array> {
    if (this.#mode === "undecided") {
      this.#decide("separate");
      // What came before anybody asked waits in the common queue.
      for (const { channel: from, bytes } of this.#all.clear()) this.#each[from].pushEarly(bytes);
    } else {
      this.#decide("separate");
    }
    return this.#each[channel];
  }

  #decide(mode: "ordered" | "separate"): void {
    if (this.#mode !== "undecided" && this.#mode !== mode) {
      throw new SandboxError("ARGUMENT_INVALID", "Cannot read a command's output in two ways", {
        details: { argument: "output" },
        hint: "Either iterate over the command, or read its stdout and stderr",
      });
    }
    this.#mode = mode;
  }
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
      write: async (data) => hasInput && process.write(typeof data === "string" ? Buffer.from(data) : data),
      end: () => hasInput && process.endInput(),
    };
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#stream("stdout");
  }

  get stderr(): ReadableStream<Uint8Array> {
    return this.#stream("stderr");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk> {
    const queue = this.#output.ordered();
    try {
      for (let chunk = await queue.next(); chunk !== undefined; chunk = await queue.next()) {
        this.#process.taken(CHANNELS[chunk.channel], chunk.bytes.length);
        yield chunk;
      }
    } finally {
      // Whoever stops reading lets the program go on.
      for (const channel of [CHANNELS.stdout, CHANNELS.stderr]) this.#process.discard(channel);
    }
  }

  signal(name: string): void {
    this.#process.signal(signalNumber(name));
  }

  async kill(): Promise<void> {
    this.#process.kill();
    for (const channel of [CHANNELS.stdout, CHANNELS.stderr]) this.#process.discard(channel);
    await this.gone.catch(() => undefined);
  }

  resize({ rows, columns }: TerminalSize): void {
    this.#process.resize(count("rows", rows, 1), count("columns", columns, 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #stream(channel: "stdout" | "stderr"): ReadableStream<Uint8Array> {
    const known = this.#streams.get(channel);
    if (known !== undefined) return known;
    const queue = this.#output.separate(channel);
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await queue.next();
          if (bytes === undefined) return controller.close();
          this.#process.taken(CHANNELS[channel], bytes.length);
          controller.enqueue(bytes);
        },
        cancel: () => this.#process.discard(CHANNELS[channel]),
      },
      { highWaterMark: 0 },
    );
    this.#streams.set(channel, stream);
    return stream;
  }
}
