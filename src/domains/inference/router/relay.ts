/**
 * Whole answers of providers on their way to the client.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { HeldBytes, Hold } from "./body.ts";
import { CallFailure } from "./errors.ts";
import { type JsonObject, objectOf, parseJson } from "./json.ts";

/** The longest answer in one piece, in bytes. */
export const ANSWER_BYTES_MAX: number = 64 * 1024 * 1024;

/** What a provider's answer is read from. */
export interface AnswerSource {
  readonly stream: Readable;
  /** How long it may say nothing. */
  readonly idleMs: number;
}

/** Reads pieces as they come; each has its time. */
async function* patiently({ stream, idleMs }: AnswerSource): AsyncGenerator<Uint8Array> {
  const pieces: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  try {
    while (true) {
      const late = setTimeout(() => stream.destroy(silent(idleMs)), idleMs);
      const piece = await pieces.next().finally(() => clearTimeout(late));
      if (piece.done === true) return;
      yield piece.value;
    }
  } finally {
    stream.destroy();
  }
}

/** A provider that says nothing. */
export function silent(idleMs: number): CallFailure {
  return new CallFailure("timeout", `The provider said nothing for ${idleMs} ms`);
}

/** Reads an answer that is JSON. @throws {CallFailure} If it is none, too long, or does not arrive. */
export async function readAnswer(source: AnswerSource, hold: Hold): Promise<JsonObject> {
  const bytes = await readBytes(source, ANSWER_BYTES_MAX, hold);
  hold.parse(bytes);
  const json = objectOf(parseJson(bytes.toString()));
  if (json === undefined) throw new CallFailure("upstream", "The provider's answer is no JSON object");
  return json;
}

/** Reads a text. @throws {CallFailure} If it is too long, or does not arrive. */
export async function readBytes(source: AnswerSource, maxBytes: number, hold?: Hold): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of patiently(source)) {
      hold?.read(chunk.length);
      bytes += chunk.length;
      if (bytes > maxBytes) throw new CallFailure("upstream", `The provider's answer has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw asFailure(error);
  }
  return Buffer.concat(chunks);
}

/** A shorter answer is no matter; of a longer one so much goes on at a time, in bytes. */
const SLICE_BYTES = 262_144;

/** A whole answer for the client, which counts as held until it was read. @throws {CallFailure} If too much is held. */
export function relayWhole(text: string, held: HeldBytes): string | ReadableStream<Uint8Array> {
  if (text.length < SLICE_BYTES) return text;
  const bytes = Buffer.from(text);
  held.add(bytes.length);
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(at, at + SLICE_BYTES));
        at += SLICE_BYTES;
        if (at < bytes.length) return;
        held.drop(bytes.length);
        controller.close();
      },
      cancel: () => held.drop(bytes.length),
    },
    { highWaterMark: 0 },
  );
}

/** Whatever went wrong as what a client may hear. Messages of errors may name addresses, and stay out. */
export function asFailure(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE") {
    return new CallFailure("unreachable", "The provider closed the connection in the middle of its answer");
  }
  return new CallFailure("upstream", "The provider's answer cannot be read");
}
