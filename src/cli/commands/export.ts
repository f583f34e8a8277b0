/**
 * `cofferdam audit export`.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { type AuditLine, toOcsf, verifyAuditLog } from "../../mod.ts";
import { sayJson } from "../write.ts";

/** Prints records as OCSF events. A log that was changed is told before anything is printed. */
export async function exportAudit(log: string, { sandbox }: { readonly sandbox?: string }): Promise<void> {
  const { records } = await verifyAuditLog(log);
  let left = records;
  for await (const line of createInterface({ input: createReadStream(log), crlfDelay: Number.POSITIVE_INFINITY })) {
    const { index: _, previous: __, hash: ___, ...record } = JSON.parse(line) as AuditLine;
    if (record.kind === "log.open" || record.kind === "log.close") continue;
    // What was written since has not been verified.
    if (left-- <= 0) return;
    if (sandbox === undefined || record.sandbox === sandbox) sayJson(toOcsf(record));
  }
}
