/**
 * What a program may ask of HTTP/2, beside what `node:http2` holds it to.
 *
 * Source: RFC 9113 §10.5; CVE-2019-9512 to 9518 and CVE-2023-44487 (rapid reset) are what it is about.
 *
 * @module
 */
import type { ServerOptions } from "node:http2";
import { BODY_BUFFER_BYTES } from "./relay-body.ts";

/** All headers of a request together, in bytes. */
export const HEADERS_MAX = 32_768;

/** Requests of one connection at one time. */
export const STREAMS_MAX = 128;

/** Requests of one sandbox over HTTP/2 at one time: of each, one window of body may wait. */
export const SANDBOX_STREAMS_MAX = 1024;

/** What a connection of a program is served with. */
export const SERVER_OPTIONS: ServerOptions = {
  settings: {
    initialWindowSize: BODY_BUFFER_BYTES,
    maxConcurrentStreams: STREAMS_MAX,
    maxHeaderListSize: HEADERS_MAX,
    enableConnectProtocol: false,
  },
  maxHeaderListPairs: 128,
  maxSettings: 32,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
};

/** How many requests over HTTP/2 a sandbox has open. */
export class StreamBudget {
  #open = 0;

  /** Whether there is room for one more. */
  take(): boolean {
    if (this.#open >= SANDBOX_STREAMS_MAX) return false;
    this.#open++;
    return true;
  }

  give(): void {
    this.#open--;
  }
}

const PERIOD_MS = 10_000;

/** Counts what costs this side more than the other, and says when it is too much. */
export class FloodGate {
  readonly #max: number;
  #since = 0;
  #count = 0;

  /** @param max In ten seconds. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether this one is one too many. */
  isTooMuch(): boolean {
    const now = Date.now();
    if (now - this.#since > PERIOD_MS) {
      this.#since = now;
      this.#count = 0;
    }
    return ++this.#count > this.#max;
  }
}

/** Requests that are taken back. A program that times out, or closes a page, takes back some. */
export const RESETS_MAX = 500;

/** PING and SETTINGS: each is answered. gRPC libraries measure with pings, one a round trip. */
export const CONTROLS_MAX = 20_000;
