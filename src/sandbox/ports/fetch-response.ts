/**
 * From what a hostile server answers to what the Fetch standard calls a response.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";

/** Statuses whose responses have no body, by the Fetch standard. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/**
 * The response, whose body is read as fast as its reader takes it.
 *
 * @param failed What the reader gets for an error of the connection.
 * @throws {TypeError | RangeError} If the platform takes its status, reason or headers for malformed.
 */
export function toResponse(
  message: IncomingMessage,
  facts: { readonly url: string; readonly redirected: boolean; readonly hasBody: boolean },
  failed: (error: unknown) => unknown,
): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] ?? "", message.rawHeaders[at + 1] ?? "");
  }
  const hasBody = facts.hasBody && !NULL_BODY.has(status);
  const statusText = message.statusMessage ?? "";
  const response = new Response(hasBody ? bodyOf(message, failed) : null, { status, statusText, headers });
  // Without a reader the end would never be seen, and the connection would stay.
  if (!hasBody) message.resume();
  return Object.defineProperties(response, {
    url: { value: facts.url },
    redirected: { value: facts.redirected },
  });
}

function bodyOf(message: IncomingMessage, failed: (error: unknown) => unknown): ReadableStream<Uint8Array> {
  const pieces = message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await pieces.next();
          if (!done) controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
          // A body that was cut off is no body, whatever the platform makes of it.
          else if (message.complete) controller.close();
          else controller.error(failed(new Error("the connection ended within the body")));
        } catch (error) {
          controller.error(failed(error));
        }
      },
      cancel: () => {
        message.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
