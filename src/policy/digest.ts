/**
 * The fingerprint of a policy, for audit records and comparisons.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { NormalizedPolicy } from "./normalized.ts";

/**
 * The SHA-256 of what a policy means: of its normalized form as JSON with sorted keys.
 *
 * Shape: `sha256:` and 64 lower-case hexadecimal digits. The same policy has the same digest in YAML and TypeScript; any
 * change of meaning changes it, and so does a new baseline in a later version of this library.
 *
 * @example
 * ```ts
 * import { normalizePolicy, parsePolicy, policyDigest } from "cofferdam";
 *
 * console.log(policyDigest(normalizePolicy(parsePolicy("version: 1")))); // sha256:...
 * ```
 */
export function policyDigest(policy: NormalizedPolicy): string {
  return `sha256:${createHash("sha256").update(canonicalJson(policy)).digest("hex")}`;
}

/** JSON without spaces, keys sorted by code unit, undefined values left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonicalJson(child)}`).join(",")}}`;
}
