/**
 * Names of sandboxes.
 *
 * @module
 */
import { randomBytes } from "node:crypto";

/** A name that no other sandbox has: 16 hexadecimal digits. */
export function createId(): string {
  return randomBytes(8).toString("hex");
}
