/**
 * The body of a call: bounded, alone and together with others, and read as JSON.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CallFailure } from "./errors.ts";
import { type JsonObject, objectOf, parseJson } from "./json.ts";

/** The longest request, in bytes: as long as Anthropic's API takes. */
export const BODY_BYTES_MAX: number = 32 * 1024 * 1024;

/** The most that bodies of one sandbox take together while they are held, in bytes. */
const HELD_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes that are held. */
export class HeldBytes {
  #held = 0;

  /** Counts more. @throws {CallFailure} If there are too many. */
  add(bytes: number): void {
    if (this.#held + bytes > HELD_BYTES_MAX) {
      throw new CallFailure("rate", "Too many large calls are under way: wait until some of them have ended");
    }
    this.#held += bytes;
  }

  drop(bytes: number): void {
    this.#held -= bytes;
  }
}

/** A body that was read. It counts as held until it is released. */
export interface CallBody {
  readonly json: JsonObject;
  readonly bytes: number;
  release(): void;
}

/** Reads a request. @throws {CallFailure} If it is no JSON object, or too long. */
export async function readBody(request: Request, held: HeldBytes): Promise<CallBody> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let counted = 0;
  const count = (more: number) => {
    held.add(more);
    counted += more;
  };
  const release = () => {
    held.drop(counted);
    counted = 0;
  };
  try {
    for await (const chunk of request.body ?? []) {
      if (bytes + chunk.length > BODY_BYTES_MAX) {
        throw new CallFailure("too_large", `The request has more than ${BODY_BYTES_MAX} bytes`);
      }
      count(chunk.length);
      bytes += chunk.length;
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks);
    count(parsedBytes(text));
    const json = objectOf(parseJson(text.toString()));
    if (json === undefined) throw new CallFailure("invalid", "The body of the request is no JSON object");
    return { json, bytes, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** What the objects, lists and entries of a JSON text may take beside its characters, in bytes: `{},{},{}` is mostly that. */
function parsedBytes(text: Uint8Array): number {
  let bytes = 0;
  for (const byte of text) {
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) bytes += 64;
    else if (byte === COMMA) bytes += 16;
  }
  return bytes;
}

const [OPEN_BRACE, OPEN_BRACKET, COMMA] = [0x7b, 0x5b, 0x2c];
