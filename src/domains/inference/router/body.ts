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

/** The most that calls and answers of one sandbox take together while they are held, in bytes. */
const HELD_BYTES_MAX = 512 * 1024 * 1024;

/**
 * What a byte of JSON takes while a call is made: in the values that were read, in the text that is sent, and in its bytes. A text
 * with a single character beyond Latin-1 takes two bytes for each.
 */
const BYTES_PER_BYTE = 4;

/** Bytes that are held. */
export class HeldBytes {
  readonly #max: number;
  #held = 0;

  constructor(max: number = HELD_BYTES_MAX) {
    this.#max = max;
  }

  /** Counts more. @throws {CallFailure} If there are too many. */
  add(bytes: number): void {
    if (this.#held + bytes > this.#max) {
      throw new CallFailure("rate", "Too many large calls are under way: wait until some of them have ended");
    }
    this.#held += bytes;
  }

  drop(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one call holds, until it lets go of all of it. */
export class Hold {
  readonly #bytes: HeldBytes;
  #held = 0;

  constructor(bytes: HeldBytes) {
    this.#bytes = bytes;
  }

  /** So many bytes of JSON are read. @throws {CallFailure} If there are too many. */
  read(bytes: number): void {
    this.#add(bytes * BYTES_PER_BYTE);
  }

  /** A text is about to become values. @throws {CallFailure} If they are too many. */
  parse(text: Uint8Array): void {
    this.#add(valueBytes(text));
  }

  release(): void {
    this.#bytes.drop(this.#held);
    this.#held = 0;
  }

  #add(bytes: number): void {
    this.#bytes.add(bytes);
    this.#held += bytes;
  }
}

/** A body that was read. */
export interface CallBody {
  readonly json: JsonObject;
  readonly bytes: number;
}

/** Reads a request. @throws {CallFailure} If it is no JSON object, or too long. */
export async function readBody(request: Request, hold: Hold): Promise<CallBody> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new CallFailure("too_large", `The request has more than ${BODY_BYTES_MAX} bytes`);
    }
    hold.read(chunk.length);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks);
  hold.parse(text);
  const json = objectOf(parseJson(text.toString()));
  if (json === undefined) throw new CallFailure("invalid", "The body of the request is no JSON object");
  return { json, bytes };
}

/** What objects, lists and their entries take beside the characters of their text, in bytes: `{},{},{}` is mostly that. */
const VALUE_BYTES = 64;

/** What the values of a JSON text may take beside its characters. What stands in texts is none. */
function valueBytes(text: Uint8Array): number {
  let values = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === COMMA || byte === COLON) values++;
  }
  return values * VALUE_BYTES;
}

const [OPEN_BRACE, OPEN_BRACKET, COMMA, COLON, QUOTE, BACKSLASH] = [0x7b, 0x5b, 0x2c, 0x3a, 0x22, 0x5c];
