/**
 * Options that a call does not have: who misspelt one must not believe that it is in force.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { nearestKey } from "../policy/nearest.ts";

/** The names of all options of a call: the compiler says when one is missing. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses options that a call does not have.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is one, with the nearest that there is.
 */
export function knownOptions<T extends object>(call: string, options: T, names: Names<T>): void {
  refuseUnknown(call, options, Object.keys(names));
}

/**
 * Refuses options that are not among `known`. `hintFor` may say more of one.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is one.
 */
export function refuseUnknown(
  operation: string,
  options: object,
  known: readonly string[],
  hintFor?: (unknown: string) => string | undefined,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const found = options === null ? "null" : Array.isArray(options) ? "a list" : `a ${typeof options}`;
    throw new SandboxError("ARGUMENT_INVALID", `Cannot use ${found} as the options of ${operation}`, {
      details: { argument: "options", value: options },
      hint: `Give an object; known options are: ${known.join(", ")}`,
    });
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const nearest = nearestKey(unknown, known);
  const usual = nearest === undefined ? `Known are: ${known.join(", ")}` : `Did you mean "${nearest}"?`;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot use the option "${unknown}" in ${operation}: there is none`, {
    details: { argument: unknown },
    hint: hintFor?.(unknown) ?? usual,
  });
}
