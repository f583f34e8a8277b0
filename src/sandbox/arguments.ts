/**
 * What callers hand over, checked and turned into bytes.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { MAX_LIST_LENGTH } from "../link/protocol.ts";
import { WORKSPACE_PATH } from "../policy/core.ts";
import type { TerminalSize, Text } from "./types.ts";

/** The longest path and the longest single argument of Linux, in bytes. */
const PATH_BYTES_MAX = 4095;
const ARGUMENT_BYTES_MAX = 131_071;

/** An error about an argument. */
export function invalid(
  argument: string,
  message: string,
  value: unknown,
  hint: string,
): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", message, { details: { argument, value }, hint });
}

/** What a value is, as messages say it. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A value as messages show it: a text is in quotes, and is no number. */
function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** The bytes of a text, which may not hold a NUL. */
export function textBytes(argument: string, text: Text, max: number = ARGUMENT_BYTES_MAX): Uint8Array {
  if (typeof text !== "string" && !(text instanceof Uint8Array)) {
    throw invalid(argument, `Cannot use ${kindOf(text)} as ${argument}`, text, "Give a string or a Uint8Array");
  }
  // They have no UTF-8: two different texts would become the same bytes.
  if (typeof text === "string" && /\p{Surrogate}/u.test(text)) {
    throw invalid(
      argument,
      `Cannot use ${argument} with half a surrogate pair in it`,
      text,
      "Give bytes for what is no text",
    );
  }
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  if (bytes.includes(0))
    throw invalid(argument, `Cannot use ${argument} with a NUL in it`, text, "Linux ends strings there");
  if (bytes.length > max) {
    throw invalid(argument, `Cannot use ${bytes.length} bytes as ${argument}`, text, `Linux takes ${max}`);
  }
  return bytes;
}

/** An absolute path in the sandbox. Relative ones are below the workspace. */
export function pathBytes(argument: string, path: Text): Uint8Array {
  const bytes = Buffer.from(textBytes(argument, path, PATH_BYTES_MAX));
  if (bytes.length === 0)
    throw invalid(argument, `Cannot use an empty path as ${argument}`, path, 'Use "." for the workspace');
  if (bytes[0] === 0x2f) return bytes;
  const absolute = Buffer.concat([Buffer.from(`${WORKSPACE_PATH}/`), bytes]);
  return textBytes(argument, absolute, PATH_BYTES_MAX);
}

/** The argument vector as bytes. */
export function argvBytes(argv: readonly Text[]): Uint8Array[] {
  if (!Array.isArray(argv)) {
    throw invalid(
      "argv",
      `Cannot use ${typeof argv === "string" ? JSON.stringify(argv) : kindOf(argv)} as a program and its arguments`,
      argv,
      'Give an array such as ["ls", "-l"], or shell source to sandbox.sh`...`',
    );
  }
  if (argv.length === 0) {
    throw invalid("argv", "Cannot start a program without its name", argv, 'Give an array such as ["ls", "-l"]');
  }
  const bytes = list(
    "argv",
    argv.map((argument: Text, index) => textBytes(`argv[${index}]`, argument)),
  );
  if (bytes[0]?.length === 0)
    throw invalid("argv[0]", "Cannot start a program with an empty name", argv, "Name a program");
  return bytes;
}

/** A list that is no longer than a message can carry. */
export function list<T>(argument: string, items: readonly T[]): T[] {
  if (items.length <= MAX_LIST_LENGTH) return [...items];
  throw invalid(
    argument,
    `Cannot use ${items.length} elements as ${argument}`,
    items.length,
    `Give at most ${MAX_LIST_LENGTH}`,
  );
}

/** A signal that can be aborted; undefined stays. */
export function abortSignal(value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined || (typeof value === "object" && value !== null && "addEventListener" in value)) return value;
  const hint =
    "Give an AbortSignal, such as AbortSignal.timeout(1000); spawn gives a handle that sends signals by name";
  throw invalid("signal", `Cannot use ${shown(value)} as signal`, value, hint);
}

/** A number of milliseconds; undefined stays. */
export function milliseconds(argument: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isFinite(value) && value > 0 && value <= Number.MAX_SAFE_INTEGER) return Math.ceil(value);
  throw invalid(argument, `Cannot use ${shown(value)} as ${argument}`, value, "Give a positive number of milliseconds");
}

/** A whole number of at least `min`. */
export function count(argument: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
  throw invalid(argument, `Cannot use ${shown(value)} as ${argument}`, value, `Give a whole number ${range}`);
}

/** The size of a terminal: tty(4) has 16 bits for each. */
export function terminalSize({ rows, columns }: TerminalSize): TerminalSize {
  return { rows: count("rows", rows, 1, 0xffff), columns: count("columns", columns, 1, 0xffff) };
}
