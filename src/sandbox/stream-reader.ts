/**
 * Pieces of a stream, as many bytes at a time as somebody wants: what an operation answers, cut into records.
 *
 * @module
 */
import { violation } from "../link/codec.ts";

const LENGTH_BYTES = 4;

/** Reads a stream that must not end in the middle of something. */
export class StreamReader {
  readonly #take: () => Promise<Uint8Array | undefined>;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param take Gives the next piece, undefined after the last. */
  constructor(take: () => Promise<Uint8Array | undefined>) {
    this.#take = take;
  }

  /** A record with its length before it; undefined at the end of the stream. */
  async record(maxBytes: number): Promise<Buffer | undefined> {
    if (!(await this.#fill(LENGTH_BYTES))) return undefined;
    return this.#sized(maxBytes);
  }

  /** The same where the stream may not end. */
  async piece(maxBytes: number): Promise<Buffer> {
    if (!(await this.#fill(LENGTH_BYTES))) throw violation("a stream ends before its last record");
    return this.#sized(maxBytes);
  }

  async #sized(maxBytes: number): Promise<Buffer> {
    const size = this.#cut(LENGTH_BYTES).readUInt32LE(0);
    if (size > maxBytes) throw violation(`a record claims ${size} bytes`);
    if (size > 0 && !(await this.#fill(size))) throw violation("a stream ends inside a record");
    return this.#cut(size);
  }

  /** False: the stream has ended, between two records. */
  async #fill(size: number): Promise<boolean> {
    while (this.#bytes.length < size) {
      const more = await this.#take();
      if (more === undefined && this.#bytes.length === 0) return false;
      if (more === undefined) throw violation("a stream ends inside a record");
      this.#bytes = this.#bytes.length === 0 ? Buffer.from(more) : Buffer.concat([this.#bytes, more]);
    }
    return true;
  }

  #cut(size: number): Buffer {
    const cut = this.#bytes.subarray(0, size);
    this.#bytes = this.#bytes.subarray(size);
    return cut;
  }
}
