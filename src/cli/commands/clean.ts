/**
 * `cofferdam clean`.
 *
 * @module
 */
import { cleanup } from "../../mod.ts";
import { aside, say, sayJson, table } from "../write.ts";

/** Removes leftovers, and says which. */
export async function clean(flags: {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly runtime: "local" | "docker";
}): Promise<void> {
  const { dryRun = false, json, runtime } = flags;
  const report = await cleanup({ dryRun, runtime });
  if (json) return sayJson(report);
  const verb = dryRun ? "would remove" : "removed";
  const rows = [
    ...report.removed.map(({ kind, name, reason }) => [verb, kind, name, reason ?? ""]),
    ...report.left.map(({ kind, name, reason }) => ["left", kind, name, reason ?? ""]),
  ];
  for (const line of table(rows)) say(line);
  if (rows.length === 0) aside("Nothing was left behind.");
}
