/**
 * The body of an HTTP/2 stream, as one that never looks complete where it was reset.
 *
 * @module
 */
import { constants, type Http2Stream } from "node:http2";
import { Readable } from "node:stream";
import type { HeaderLines } from "./headers.ts";
import { toFields } from "./http2-fields.ts";
import { BODY_BUFFER_BYTES } from "./relay-body.ts";

/** A stream that was reset, with the code that was given for it. */
export interface StreamReset extends Error {
  readonly code: "ECONNRESET";
  readonly rstCode: number;
}

/**
 * What comes on a stream. `node:http2` ends the readable side of a stream that was reset as it ends one that is complete; here
 * the one is an error.
 *
 * It must be called where the stream is first heard of: what nobody reads by then is thrown away.
 *
 * @param onCancel Called where whoever reads gives up before the end.
 */
export function http2Body(stream: Http2Stream, onCancel: () => void): Readable {
  let wanted = false;
  let whole = false;
  const move = () => {
    while (wanted) {
      const chunk: unknown = stream.read();
      if (chunk === null) return;
      wanted = body.push(chunk);
    }
  };
  const body = new Readable({
    highWaterMark: BODY_BUFFER_BYTES,
    read() {
      wanted = true;
      move();
    },
    destroy(error, done) {
      stream.off("readable", move);
      if (!whole && !stream.closed) onCancel();
      done(error);
    },
  });
  // It is told to whoever reads, if anybody does.
  body.on("error", () => undefined);
  stream.on("readable", move);
  stream.once("end", () => {
    whole = codeOf(stream) === 0;
    if (whole) body.push(null);
    else body.destroy(resetOf(stream));
  });
  stream.once("close", () => {
    if (!whole) body.destroy(resetOf(stream));
  });
  return body;
}

/**
 * Resets a stream. By itself `node:http2` would end the writable side first, and what is cut short would look complete.
 */
export function resetStream(stream: Http2Stream, rstCode: number): void {
  if (stream.closed) return;
  if (!stream.writableEnded) Object.assign(stream, { _final: () => undefined });
  stream.close(rstCode);
}

/** Sends what comes after a body. What cannot be sent resets the stream: the event that asks for it has nobody to tell. */
export function sendTrailers(stream: Http2Stream, lines: HeaderLines): void {
  try {
    stream.sendTrailers(toFields(lines));
  } catch {
    resetStream(stream, constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** Why a stream is over before its time. */
export function resetOf(stream: Http2Stream): StreamReset {
  return Object.assign(new Error("the stream was reset"), { code: "ECONNRESET", rstCode: codeOf(stream) } as const);
}

/** The code with which an error says that a stream ends; undefined for other errors. */
export function rstCodeOf(error: unknown): number | undefined {
  return error instanceof Error && "rstCode" in error ? Number(error.rstCode) : undefined;
}

function codeOf({ rstCode }: Http2Stream): number {
  return rstCode ?? 0;
}
