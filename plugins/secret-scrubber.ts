/**
 * Blacks out what looks like a secret in what leaves a sandbox, and, if it is asked to, in what comes back.
 *
 * @module
 */
import { definePlugin, deny, type Plugin, peekText } from "../src/mod.ts";

/** The options of `secretScrubber`. */
export interface SecretScrubberOptions {
  /** Beside those that are known. They must be global (`g`). */
  readonly patterns?: readonly RegExp[];
  /** What is put in a secret's place. @default "[secret]" */
  readonly replacement?: string;
  /** `deny`: what has a secret does not leave. @default "redact" */
  readonly action?: "redact" | "deny";
  /** Also in texts that hosts answer with, whole: not in streams of events. @default false */
  readonly responses?: boolean;
  /** The longest body that is looked into, in bytes; a longer one is denied. @default 1048576 */
  readonly maxBytes?: number;
}

/** Shapes of keys that nobody writes by accident. */
const KNOWN: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}\b/g,
  /\bglpat-[A-Za-z0-9_-]{20,}/g,
  /\bsk-[A-Za-z0-9_-]{20,}/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g,
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
];

const TEXT = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*\+)?json\b)/i;
const SECRET = "it holds what looks like a secret";

/**
 * Makes the plugin. It looks at bodies of requests, messages and calls to models; an address with a secret is denied. Headers are
 * left alone: they are where secrets belong.
 *
 * @throws {TypeError} If a pattern is not global.
 */
export const secretScrubber: (options?: SecretScrubberOptions) => Plugin = definePlugin(
  (options: SecretScrubberOptions = {}): Plugin => {
    const { replacement = "[secret]", action = "redact", responses = false, maxBytes = 1_048_576 } = options;
    const patterns = [...KNOWN, ...(options.patterns ?? [])];
    const local = patterns.find((pattern) => !pattern.global);
    if (local !== undefined) throw new TypeError(`The pattern ${String(local)} must be global`);
    const clean = (text: string) =>
      patterns.reduce((before, pattern) => before.replace(pattern, () => replacement), text);
    const isRefused = action === "deny";
    return {
      name: "secret-scrubber",
      hooks: {
        network: {
          request: async (request) => {
            if (clean(request.url) !== request.url || clean(decode(request.url)) !== decode(request.url))
              return deny(SECRET);
            const text = await peekText(request, { maxBytes });
            const cleaned = clean(text);
            if (cleaned === text) return undefined;
            return isRefused ? deny(SECRET) : new Request(request, { body: cleaned });
          },
          message: ({ data }) => {
            const text = typeof data === "string" ? data : Buffer.from(data).toString("latin1");
            const cleaned = clean(text);
            if (cleaned === text) return undefined;
            // Bytes with a hole in them are no message of anybody's.
            return isRefused || typeof data !== "string" ? deny(SECRET) : cleaned;
          },
          ...(responses
            ? {
                response: async (response: Response) => {
                  if (!TEXT.test(response.headers.get("content-type") ?? "")) return undefined;
                  const text = await peekText(response, { maxBytes });
                  const cleaned = clean(text);
                  if (cleaned === text) return undefined;
                  return isRefused ? deny(SECRET) : new Response(cleaned, response);
                },
              }
            : {}),
        },
        inference: {
          call: ({ body }) => {
            const cleaned = cleanValue(body, clean);
            if (JSON.stringify(cleaned) === JSON.stringify(body)) return undefined;
            return isRefused ? deny(SECRET) : { body: cleaned as Readonly<Record<string, unknown>> };
          },
        },
      },
    };
  },
);

function decode(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

/** Every text in it, names of keys included. */
function cleanValue(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((each) => cleanValue(each, clean));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [clean(key), cleanValue(each, clean)]));
}
