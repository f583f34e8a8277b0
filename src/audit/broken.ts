/**
 * The error of a log that cannot be trusted.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";

/** Says what is wrong with a line; lines count from 1. The reason is a clause about the line, such as `it is empty`. */
export function auditBroken(line: number, reason: string, cause?: unknown): SandboxError<"AUDIT_BROKEN"> {
  return new SandboxError("AUDIT_BROKEN", `Cannot trust the audit log at line ${line}: ${reason}`, {
    details: { line, reason },
    hint: "The lines before it are intact. Keep the file as evidence, and start a new log in another",
    ...(cause === undefined ? {} : { cause }),
  });
}
