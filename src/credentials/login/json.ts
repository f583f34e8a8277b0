/**
 * Reading JSON that somebody else wrote.
 *
 * @module
 */

/** An object of JSON. */
export type JsonMap = Readonly<Record<string, unknown>>;

/** The object that a text is; undefined where it is none. */
export function parseMap(text: string): JsonMap | undefined {
  try {
    return mapOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A value as an object. */
export function mapOf(value: unknown): JsonMap | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonMap) : undefined;
}

/** A value as a text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A value as a number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Those of its fields that are named, where they are texts, numbers, truths, or lists of texts. */
export function plainFields(map: JsonMap, names: readonly string[]): JsonMap {
  return Object.fromEntries(names.flatMap((name) => (isPlain(map[name]) ? [[name, map[name]]] : [])));
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((each) => typeof each === "string");
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
