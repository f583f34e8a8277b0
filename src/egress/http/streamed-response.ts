/**
 * Responses whose bodies are streams of Node: whoever serves one takes the stream as it is, without a way through those of the web.
 *
 * @module
 */
import type { Readable } from "node:stream";

const streams = new WeakMap<Response, Readable>();

/** Makes one. It is an ordinary response to everybody else. */
export function streamedResponse(stream: Readable, init: ResponseInit): Response {
  let pieces: AsyncIterator<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        pieces ??= stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void stream.destroy(),
    },
    { highWaterMark: 0 },
  );
  const response = new Response(body, init);
  streams.set(response, stream);
  return response;
}

/** The stream of one. Undefined: it is another kind of response. */
export function streamOf(response: Response): Readable | undefined {
  return streams.get(response);
}
