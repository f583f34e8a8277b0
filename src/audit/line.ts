/**
 * One line of a log: canonical JSON that carries the hash of the line before it and its own.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { canonicalJson } from "../policy/digest.ts";

/** The longest line that is written or verified, in bytes, without its end. */
export const MAX_LINE_BYTES = 1_048_576;

/** A line that is ready to be written, without its end. */
export interface SealedLine {
  readonly text: string;
  readonly bytes: number;
  readonly hash: string;
}

/** What a verifier needs of a line. The rest of it is vouched for by its hash. */
export interface ParsedLine {
  readonly kind: string;
  readonly index: number;
  readonly previous: string | null;
  readonly hash: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Seals a record as line number `index` of its chain, counted from 0.
 *
 * Shape: what makes the line too long is shortened, and marked; the record's own `index`, `previous` and `hash` never
 * count.
 *
 * @throws {Error} If the record is no JSON, or stays too long.
 */
export function sealLine(record: object, index: number, previous: string | null): SealedLine {
  const line = seal({ ...record, index, previous });
  if (line.bytes <= MAX_LINE_BYTES) return line;
  const shorter = seal({ ...Object.fromEntries(Object.entries(record).map(shortenEntry)), index, previous });
  if (shorter.bytes > MAX_LINE_BYTES) throw new Error(`a record takes more than ${MAX_LINE_BYTES} bytes`);
  return shorter;
}

function seal(content: object): SealedLine {
  const hash = hashOf(content);
  const text = canonicalJson({ ...content, hash });
  return { text, bytes: Buffer.byteLength(text), hash };
}

/** Reads a line of unknown origin. A string says what is wrong with it, as a clause about the line. */
export function parseLine(text: string): ParsedLine | string {
  if (text === "") return "it is empty";
  if (Buffer.byteLength(text) > MAX_LINE_BYTES) return `it is longer than ${MAX_LINE_BYTES} bytes`;
  try {
    return parse(text);
  } catch {
    // Besides malformed JSON: what is nested so deeply that writing it again exhausts the stack.
    return "it is no JSON";
  }
}

function parse(text: string): ParsedLine | string {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "it is no record";
  const fields = value as Readonly<Record<string, unknown>>;
  if (canonicalJson(fields) !== text) return "it is not written as a log writes it: it was changed";
  const { kind, index, previous, hash } = fields;
  if (typeof kind !== "string" || typeof hash !== "string") return "it is no record of a log";
  if (!Number.isSafeInteger(index) || (previous !== null && typeof previous !== "string")) {
    return "it has no place in a chain";
  }
  if (hashOf(fields) !== hash) return "its hash is not that of its content: it was changed";
  return { kind, index: index as number, previous, hash, fields };
}

function hashOf(content: object): string {
  const digest = createHash("sha256").update(canonicalJson({ ...content, hash: undefined }));
  return `sha256:${digest.digest("hex")}`;
}

/** How long texts and lists of a record may be that did not fit a line. */
const SHORT = { characters: 1024, items: 64 };

function shortenEntry([key, value]: [string, unknown]): [string, unknown] {
  return [key, shorten(value)];
}

function shorten(value: unknown): unknown {
  if (typeof value === "string") {
    const more = value.length - SHORT.characters;
    return more > 0 ? `${value.slice(0, SHORT.characters)}[cut: ${more} characters]` : value;
  }
  if (typeof value !== "object" || value === null) return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(shortenEntry));
  const items = value.slice(0, SHORT.items).map(shorten);
  return value.length > SHORT.items ? [...items, `[cut: ${value.length - SHORT.items} items]`] : items;
}
