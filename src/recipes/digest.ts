/**
 * The digest of data.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { canonicalJson } from "../policy/digest.ts";

/** `sha256:` and hexadecimal digits: the same for plain data whatever the order of its keys. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}
