/**
 * From a text or a TypeScript value to a checked policy.
 *
 * @module
 */
import { checkPolicy, invalidPolicy } from "./check.ts";
import type { Policy } from "./types.ts";
import { readYaml } from "./yaml.ts";

/** Options of {@link parsePolicy}. */
export interface ParsePolicyOptions {
  /** What the text is called in errors, for instance its file name. */
  readonly source?: string;
}

/**
 * Checks a policy, and reads it first where it is YAML or JSON text.
 *
 * Shape: a frozen copy with the keys that were given; `normalizePolicy()` fills in the rest. A policy that this
 * function returned is returned as it is. A text has at most 1 MiB, 32 levels, one document of YAML 1.2, and neither
 * tags, merge keys nor duplicate keys.
 *
 * @throws {SandboxError} POLICY_INVALID If anything is wrong with it: one error with every issue, and for a text the line
 * and column of each.
 * @see {@link https://yaml.org/spec/1.2.2/ | YAML 1.2.2}
 *
 * @example
 * ```ts
 * import { parsePolicy } from "cofferdam";
 *
 * const policy = parsePolicy(`
 * version: 1
 * filesystem:
 *   read: [.]
 * `);
 * console.log(policy.filesystem?.read); // ["."]
 * ```
 */
export function parsePolicy(input: string | Policy, options: ParsePolicyOptions = {}): Policy {
  const { source } = options;
  if (typeof input !== "string") return checkPolicy(input, { source });
  const read = readYaml(input);
  if (!read.ok) throw invalidPolicy(read.issues, { source });
  const { value, locate } = read;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const message = "a policy is a map that starts with version: 1; loadPolicy() reads one from a file";
    throw invalidPolicy([{ path: [], message }], { source, locate });
  }
  return checkPolicy(value, { source, locate });
}
