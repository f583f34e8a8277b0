/**
 * Keeps secrets out of records, and what is recorded of a command within bounds.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A secret, with every byte sequence that must not be recorded: its value and its placeholders. */
export interface KnownSecret {
  /** What is recorded instead, as `[redacted:NAME]`. */
  readonly name: string;
  /** Empty ones are ignored. */
  readonly values: readonly (string | Uint8Array)[];
}

/** The longest argument that is recorded whole, in UTF-16 units. */
export const MAX_ARGUMENT_LENGTH = 4096;

/** The most arguments that are recorded. */
export const MAX_ARGUMENTS = 256;

/** The most that is recorded of one argv, in UTF-16 units: a line of the log must hold it, escaped. */
export const MAX_ARGV_LENGTH = 65_536;

/**
 * What may be recorded of an argv.
 *
 * Shape: every occurrence of a secret, inside longer arguments too, is replaced by `[redacted:NAME]`; overlapping ones by
 * one mark with all names. Bytes that are no UTF-8 become U+FFFD. Then what is too long is cut: arguments of more than 4096
 * characters end with `[cut: N characters]`, and what follows the 256th argument, or 65,536 characters in all, is
 * `[cut: N arguments]`. Secrets go before anything is cut, so no part of one is left at a cut.
 *
 * @example
 * ```ts
 * import { redactArgv } from "cofferdam";
 *
 * console.log(redactArgv(["curl", "-H", "auth: s3cret"], [{ name: "TOKEN", values: ["s3cret"] }]));
 * // ["curl", "-H", "auth: [redacted:TOKEN]"]
 * ```
 */
export function redactArgv(
  argv: readonly (string | Uint8Array)[],
  secrets: readonly KnownSecret[] = [],
): readonly string[] {
  const recorded: string[] = [];
  let left = MAX_ARGV_LENGTH;
  for (const argument of argv) {
    const text = cut(redactText(argument, secrets));
    left -= text.length;
    if (left < 0 || recorded.length === MAX_ARGUMENTS) {
      recorded.push(`[cut: ${argv.length - recorded.length} arguments]`);
      break;
    }
    recorded.push(text);
  }
  return recorded;
}

/**
 * A text without its secrets. See {@link redactArgv} for the shape; nothing is cut.
 *
 * @example
 * ```ts
 * import { redactText } from "cofferdam";
 *
 * console.log(redactText("GET /?key=s3cret", [{ name: "KEY", values: ["s3cret"] }])); // GET /?key=[redacted:KEY]
 * ```
 */
export function redactText(text: string | Uint8Array, secrets: readonly KnownSecret[] = []): string {
  const bytes = toBytes(text);
  const spans = merge(find(bytes, secrets));
  // Without this, a lone surrogate would turn into U+FFFD in texts that hold no secret at all.
  if (spans.length === 0) return typeof text === "string" ? text : bytes.toString();
  const parts: string[] = [];
  let from = 0;
  for (const { start, end, names } of spans) {
    parts.push(bytes.toString("utf8", from, start), `[redacted:${[...names].join(",")}]`);
    from = end;
  }
  return parts.join("") + bytes.toString("utf8", from);
}

interface Span {
  readonly start: number;
  end: number;
  readonly names: Set<string>;
}

function find(bytes: Buffer, secrets: readonly KnownSecret[]): Span[] {
  const spans: Span[] = [];
  for (const { name, values } of secrets) {
    for (const value of values.map(toBytes)) {
      if (value.length === 0) continue;
      // The next search starts one byte on, not behind the match: a secret may overlap itself.
      for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + 1)) {
        spans.push({ start: at, end: at + value.length, names: new Set([name]) });
      }
    }
  }
  return spans.sort((a, b) => a.start - b.start);
}

function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last === undefined || span.start > last.end) merged.push(span);
    else {
      last.end = Math.max(last.end, span.end);
      for (const name of span.names) last.names.add(name);
    }
  }
  return merged;
}

function cut(text: string): string {
  if (text.length <= MAX_ARGUMENT_LENGTH) return text;
  return `${text.slice(0, MAX_ARGUMENT_LENGTH)}[cut: ${text.length - MAX_ARGUMENT_LENGTH} characters]`;
}

function toBytes(text: string | Uint8Array): Buffer {
  return typeof text === "string" ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}
