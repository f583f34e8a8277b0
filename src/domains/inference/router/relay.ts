/**
 * Answers of providers on their way to the client: a stream piece by piece, as fast as the client reads, or as a whole.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { ContentBudget } from "../../../egress/http/content.ts";
import { readEventGroups } from "../../../egress/http/event-stream.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";
import type { PieceFilter } from "../pieces/piece.ts";
import type { HeldBytes, Hold } from "./body.ts";
import type { EventRelay } from "./dialect.ts";
import { CallFailure, failureEvent } from "./errors.ts";
import { type JsonObject, objectOf, parseJson } from "./json.ts";
import { estimateTokens } from "./usage.ts";

/** The longest answer in one piece, in bytes. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

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

/** How a stream is relayed. */
export interface StreamRelay extends AnswerSource {
  /** The client's. */
  readonly family: ApiFamily;
  readonly events: EventRelay;
  /** Looks at the provider's events before that. Absent: nobody does. */
  readonly pieces?: PieceFilter | undefined;
  /** Aborted when the call is to end; its reason is what the client is told. */
  readonly signal: AbortSignal;
  /** Bounds what is held of events that are not whole. */
  readonly budget: ContentBudget;
  /** Counts what is held of an answer until its end. Absent: nobody does. */
  readonly held?: HeldBytes;
  /** The stream is over, after what may be so many tokens. Without a failure, it was whole. Called once. */
  onEnd(failure: CallFailure | undefined, tokens: number): void;
}

/** Events for the client. It never fails: what goes wrong is the last event, in the client's own shape. */
export function relayEvents(relay: StreamRelay): ReadableStream<Uint8Array> {
  const { stream, signal } = relay;
  const progress = { events: 0, characters: 0 };
  const pieces = relayed(relay, progress);
  const encoder = new TextEncoder();
  const abort = (): void => void stream.destroy(asFailure(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  let isOver = false;
  const over = (failure: CallFailure | undefined): void => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener("abort", abort);
    relay.onEnd(failure, tokensOf(progress));
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await pieces.next();
        if (done === true) {
          over(value);
          controller.close();
        } else controller.enqueue(encoder.encode(value));
      },
      cancel() {
        stream.destroy();
        // What it holds is held no longer.
        void pieces.return(undefined);
        over(new CallFailure("unreachable", "The client went away"));
      },
    },
    { highWaterMark: 0 },
  );
}

/** What stands around the words of an event, in characters, at most. */
const EVENT_FRAME = 256;

/** An event is about a token, unless it is long. */
function tokensOf({ events, characters }: { readonly events: number; readonly characters: number }): number {
  return Math.max(events, estimateTokens(Math.max(0, characters - EVENT_FRAME * events)));
}

async function* relayed(
  { events, pieces, family, budget, held: bytes, ...source }: StreamRelay,
  progress: { events: number; characters: number },
): AsyncGenerator<string, CallFailure | undefined> {
  const holding = new HeldAnswer([events, pieces], bytes);
  try {
    for await (const group of readEventGroups(patiently(source), budget)) {
      progress.events += group.length;
      let text = "";
      for (const event of group) {
        try {
          if (pieces === undefined) text += events.take(event);
          else for (const each of await pieces.take(event)) text += events.take(each);
        } catch (error) {
          // What came before it is still the client's.
          if (text !== "") yield text;
          throw error;
        }
      }
      progress.characters += text.length;
      holding.count();
      if (text !== "") yield text;
    }
    const held = (await pieces?.end()) ?? [];
    const last = held.map((event) => events.take(event)).join("");
    if (last !== "") yield last;
    const rest = events.end();
    if (rest !== "") yield rest;
    return undefined;
  } catch (error) {
    const failure = asFailure(error);
    yield events.fail?.(failure) ?? failureEvent(family, failure);
    return failure;
  } finally {
    holding.release();
  }
}

/** What is held of an answer, because its end says all of it again. */
class HeldAnswer {
  readonly #holders: readonly ({ readonly held?: number } | undefined)[];
  readonly #bytes: HeldBytes | undefined;
  #held = 0;

  constructor(holders: readonly ({ readonly held?: number } | undefined)[], bytes: HeldBytes | undefined) {
    this.#holders = holders;
    this.#bytes = bytes;
  }

  count(): void {
    const held = this.#holders.reduce((sum, holder) => sum + (holder?.held ?? 0), 0) * 2;
    if (held === this.#held) return;
    if (held > ANSWER_BYTES_MAX) {
      throw new CallFailure("upstream", `The provider's answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    this.#bytes?.add(held - this.#held);
    this.#held = held;
  }

  release(): void {
    this.#bytes?.drop(this.#held);
    this.#held = 0;
  }
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
