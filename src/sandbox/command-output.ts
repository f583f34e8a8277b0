/**
 * A running program's output, in the order of arrival or as two streams: whichever is asked for first.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { ByteChannel } from "./byte-channel.ts";
import type { OutputHandlers } from "./command.ts";
import { Runs } from "./runs.ts";
import type { OutputChunk } from "./types.ts";

type Channel = OutputChunk["channel"];

/** Keeps what came and was not read: at most what was granted to the sender. */
export class CommandOutput implements OutputHandlers {
  readonly #channels = { stdout: new ByteChannel(), stderr: new ByteChannel() };
  readonly #runs: Runs<Channel> = new Runs(["stdout", "stderr"]);
  #mode: "undecided" | "ordered" | "separate" = "undecided";
  #open = 2;
  #error: SandboxError | undefined;
  #wake: () => void = () => undefined;

  onData(channel: Channel, bytes: Buffer): void {
    this.#channels[channel].push(bytes);
    if (this.#mode === "separate") return;
    this.#runs.add(channel, bytes.length);
    this.#wake();
  }

  onEnd(channel: Channel, error?: SandboxError): void {
    this.#channels[channel].end(error);
    this.#open--;
    this.#error ??= error;
    this.#wake();
  }

  /** Reads both in the order of arrival. */
  ordered(): () => Promise<OutputChunk | undefined> {
    // A second reader would take pieces away from the first.
    this.#decide("ordered", this.#mode === "ordered");
    return () => this.#next();
  }

  /** Reads one of them. */
  separate(channel: Channel): ByteChannel {
    this.#decide("separate", false);
    this.#runs.clear();
    return this.#channels[channel];
  }

  /** Drops what is there and was not read. */
  clear(): void {
    this.#runs.clear();
    for (const channel of Object.values(this.#channels)) channel.clear();
  }

  async #next(): Promise<OutputChunk | undefined> {
    for (;;) {
      const run = this.#runs.first();
      if (run !== undefined) {
        const bytes = await this.#channels[run.of].next(run.length);
        if (bytes === undefined) return undefined;
        this.#runs.take(bytes.length);
        return { channel: run.of, bytes };
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#open <= 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #decide(mode: "ordered" | "separate", again: boolean): void {
    if (again || (this.#mode !== "undecided" && this.#mode !== mode)) {
      throw new SandboxError("ARGUMENT_INVALID", "Cannot read a command's output twice", {
        details: { argument: "output" },
        hint: "Either iterate over the command, once, or read its stdout and stderr",
      });
    }
    this.#mode = mode;
  }
}
