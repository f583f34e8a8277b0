/**
 * What callers hand over, checked and turned into bytes.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { WORKSPACE_PATH } from "../policy/mod.ts";
import type { InputData, Text } from "./types.ts";

/** The longest path and the longest single argument of Linux, in bytes. */
const PATH_BYTES_MAX = 4095;
const ARGUMENT_BYTES_MAX = 131_071;

/** An error about an argument. */
export function invalid(argument: string, message: string, value: unknown, hint: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", message, { details: { argument, value }, hint });
}

/** The bytes of a text, which may not hold a NUL. */
export function textBytes(argument: string, text: Text, max: number = ARGUMENT_BYTES_MAX): Uint8Array {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw invalid(argument, `Cannot use a ${typeof text} as ${argument}`, text, "Give a string or a Uint8Array");
  }
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  if (bytes.includes(0)) throw invalid(argument, `Cannot use ${argument} with a NUL in it`, text, "Linux ends strings there");
  if (bytes.length > max) {
    throw invalid(argument, `Cannot use ${bytes.length} bytes as ${argument}`, text, `Linux takes ${max}`);
  }
  return bytes;
}

/** An absolute path in the sandbox. Relative ones are below the workspace. */
export function pathBytes(argument: string, path: Text): Uint8Array {
  const bytes = Buffer.from(textBytes(argument, path, PATH_BYTES_MAX));
  if (bytes.length === 0) throw invalid(argument, `Cannot use an empty path as ${argument}`, path, 'Use "." for the workspace');
  if (bytes[0] === 0x2f) return bytes;
  const absolute = Buffer.concat([Buffer.from(`${WORKSPACE_PATH}/`), bytes]);
  return textBytes(argument, absolute, PATH_BYTES_MAX);
}

/** The argument vector as bytes. */
export function argvBytes(argv: readonly Text[]): Uint8Array[] {
  if (!Array.isArray(argv) || argv.length === 0) {
    throw invalid("argv", "Cannot start a program without its name", argv, 'Give an array such as ["ls", "-l"]');
  }
  const bytes = argv.map((argument, index) => textBytes(`argv[${index}]`, argument));
  if (bytes[0]?.length === 0) throw invalid("argv[0]", "Cannot start a program with an empty name", argv, "Name a program");
  return bytes;
}

/** A number of milliseconds; undefined stays. */
export function milliseconds(argument: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isFinite(value) && value > 0 && value <= Number.MAX_SAFE_INTEGER) return Math.ceil(value);
  throw invalid(argument, `Cannot use ${String(value)} as ${argument}`, value, "Give a positive number of milliseconds");
}

/** A whole number of at least `min`. */
export function count(argument: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw invalid(argument, `Cannot use ${String(value)} as ${argument}`, value, `Give a whole number from ${min} on`);
}

/** The data in pieces. */
export async function* inputChunks(data: InputData): AsyncGenerator<Uint8Array> {
  if (typeof data === "string") yield Buffer.from(data);
  else if (data instanceof Uint8Array) yield data;
  else for await (const chunk of streamed(data)) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

function streamed(data: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>): AsyncIterable<Uint8Array | string> {
  // Not every runtime's ReadableStream can be iterated by its type, but all by their reader.
  return Symbol.asyncIterator in data ? data : readAll(data);
}

async function* readAll(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.releaseLock();
  }
}
