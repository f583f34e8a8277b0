/**
 * What hosts answer, without the secrets that they were sent.
 *
 * @module
 */
import { Duplex } from "node:stream";
import type { UpgradedResponse, UpstreamResponse } from "../egress/http/exchange.ts";
import { type HeaderLines, valuesOf } from "../egress/http/headers.ts";
import { type Needle, needlesOf } from "./needles.ts";
import { passThrough } from "./pass-through.ts";
import { coverText, Scrubber, ScrubStream } from "./scrub.ts";
import type { CredentialStore } from "./store.ts";

/**
 * What would keep an answer from being read is not asked for: codings, parts (a secret could be cut in two by them), and
 * extensions of WebSocket, which compress.
 */
export function wantsReadable(headers: HeaderLines): HeaderLines {
  const kept = headers.filter(([name]) => !UNREADABLE.has(name.toLowerCase()));
  return [...kept, ["Accept-Encoding", "identity"]];
}

const UNREADABLE: ReadonlySet<string> = new Set(["accept-encoding", "range", "if-range", "sec-websocket-extensions"]);

/** Whether an answer can be read as it comes. */
export function isReadable(headers: HeaderLines): boolean {
  const codings = valuesOf(headers, "content-encoding").flatMap((value) => value.split(","));
  if (valuesOf(headers, "sec-websocket-extensions").length > 0) return false;
  return codings.every((coding) => /^\s*(?:identity)?\s*$/i.test(coding));
}

/** Values that an exchange was made with, each with what the sandbox has in its place. */
export type UsedValues = readonly (readonly [value: string, placeholder: string])[];

/** The answer, without them: those that it was asked with stay hidden even when newer ones have taken their place. */
export function scrubbedResponse(
  response: UpstreamResponse,
  store: CredentialStore,
  used: UsedValues,
): UpstreamResponse {
  return withoutNeedles(response, needlesIn(store, used));
}

/** The answer without one value. */
export function withoutValue(response: UpstreamResponse, value: string, placeholder: string): UpstreamResponse {
  const needles = needlesOf(value, placeholder);
  return withoutNeedles(response, () => needles);
}

function withoutNeedles(response: UpstreamResponse, needles: () => readonly Needle[]): UpstreamResponse {
  const { stream } = response.body;
  const scrub = new ScrubStream(new Scrubber(needles));
  return {
    ...response,
    headers: coverLines(response.headers, needles()),
    body: {
      stream: passThrough(stream, scrub, () => void stream.destroy()),
      trailers: () => coverLines(response.body.trailers(), needles()),
    },
  };
}

/** The socket of a WebSocket. A host does not mask its frames, and their lengths stay. */
export function scrubbedSocket(answer: UpgradedResponse, store: CredentialStore, used: UsedValues): UpgradedResponse {
  const needles = needlesIn(store, used);
  return {
    ...answer,
    headers: coverLines(answer.headers, needles()),
    socket: new ScrubbedSocket(answer.socket, new Scrubber(needles)),
  };
}

function coverLines(lines: HeaderLines, needles: readonly Needle[]): HeaderLines {
  return lines.map(([name, value]) => [name, coverText(value, needles)]);
}

/** Of the values that are known when it is asked. */
function needlesIn(store: CredentialStore, used: UsedValues): () => readonly Needle[] {
  let known = new Map<string, readonly Needle[]>();
  return () => {
    const next = new Map<string, readonly Needle[]>();
    for (const [value, placeholder] of [...used, ...store.sealedValues()]) {
      next.set(value, known.get(value) ?? needlesOf(value, placeholder));
    }
    known = next;
    return [...next.values()].flat();
  };
}

/** A connection whose incoming half is scrubbed. */
class ScrubbedSocket extends Duplex {
  readonly #socket: Duplex;

  constructor(socket: Duplex, scrubber: Scrubber) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    // It may break before anybody listens.
    this.on("error", () => undefined);
    const say = (bytes: Buffer): void => {
      if (bytes.length > 0 && !this.push(bytes)) socket.pause();
    };
    socket.on("data", (chunk: Buffer) => say(scrubber.push(chunk)));
    socket.once("end", () => {
      say(scrubber.end());
      this.push(null);
    });
    socket.once("error", (error) => void this.destroy(error));
    socket.once("close", () => {
      if (!socket.readableEnded) this.destroy();
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) {
      done();
      return;
    }
    const go = (): void => {
      this.#socket.off("drain", go).off("close", go);
      done();
    };
    this.#socket.once("drain", go).once("close", go);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
