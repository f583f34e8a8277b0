/**
 * Logs in files, one for each file however many sandboxes of this process write to it.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { SandboxError } from "../errors.ts";
import { openJsonlSink } from "./jsonl.ts";
import type { AuditLog, AuditLogOptions } from "./log.ts";
import { SharedLog } from "./shared-log.ts";

/** The options of `openAuditLog`. */
export type OpenAuditLogOptions = Pick<AuditLogOptions, "sign" | "onError">;

/** The files that this process writes. A file has one end, so its chain is one for the whole process. */
const inUse = new Map<string, SharedLog>();

/**
 * Opens a file for a log, or joins the log that this process already writes there.
 *
 * Shape: a JSON Lines file with a hash chain, as `openJsonlSink` has it. Each caller closes its own log; the last one
 * writes the closing line. A log that has failed is not joined: a new chain begins in its place.
 *
 * @throws {SandboxError} AUDIT_BROKEN If the file does not end with a line of a log.
 * @throws {SandboxError} ARGUMENT_INVALID If it cannot be opened, or is in use with another `sign`.
 *
 * @example
 * ```ts
 * import { openAuditLog } from "cofferdam";
 *
 * await using log = await openAuditLog("audit.jsonl", { onError: console.error });
 * console.log(log.healthy);
 * ```
 */
export async function openAuditLog(path: string, options: OpenAuditLogOptions = {}): Promise<AuditLog> {
  const key = await identify(path);
  for (;;) {
    const present = inUse.get(key);
    if (present === undefined) break;
    if (present.usable) return await present.join(checked(path, present, options));
    // It is on its way out, or has failed; what its other users still append is lost, and they are told so.
    await present.end();
    if (inUse.get(key) === present) inUse.delete(key);
  }
  const shared = new SharedLog(openJsonlSink(path), options.sign, () => inUse.get(key) === shared && inUse.delete(key));
  inUse.set(key, shared);
  return await shared.join(options);
}

/** One name for each file, even for one that is yet to be made. */
async function identify(path: string): Promise<string> {
  const absolute = resolve(path);
  const directory = await realpath(dirname(absolute)).catch(() => dirname(absolute));
  return join(directory, basename(absolute));
}

function checked(path: string, shared: SharedLog, options: OpenAuditLogOptions): OpenAuditLogOptions {
  if (shared.sign === options.sign) return options;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot write the audit log "${path}": it is in use with another "sign"`, {
    details: { argument: "sign" },
    hint: "Give the same function wherever this process writes that file",
  });
}
