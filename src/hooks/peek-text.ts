/**
 * The body of a request or response as a text, for hooks: bounded, for it is as long as its sender likes.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";

/** Options of {@link peekText}. */
export interface PeekTextOptions {
  /** The longest body, in bytes. @default 1048576 */
  readonly maxBytes?: number;
}

/**
 * Reads a body of UTF-8 without taking it away: what was read is still sent.
 *
 * Bytes that are no UTF-8 are replaced by U+FFFD. Without a body it is an empty text.
 *
 * @throws {SandboxError} BODY_TOO_LONG If it has more bytes. A hook that lets this through denies.
 *
 * @example
 * ```ts
 * import { definePlugin, deny, peekText } from "cofferdam";
 *
 * export const noKeys = definePlugin(() => ({
 *   name: "no-keys",
 *   hooks: {
 *     network: {
 *       request: async (request) => ((await peekText(request)).includes("sk-") ? deny("it has a key") : undefined),
 *     },
 *   },
 * }));
 * ```
 */
export async function peekText(message: Request | Response, options: PeekTextOptions = {}): Promise<string> {
  const { maxBytes = 1_048_576 } = options;
  const reader = message.clone().body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.length;
    if (bytes > maxBytes) {
      // It settles when the other copies are read, too.
      void reader.cancel().catch(() => undefined);
      throw new SandboxError("BODY_TOO_LONG", `Cannot read the body: it has more than ${maxBytes} bytes`, {
        details: { maxBytes },
        hint: "Give a larger maxBytes, or read it as a stream",
      });
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}
