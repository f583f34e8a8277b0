/**
 * `cofferdam clean`.
 *
 * @module
 */
import { cleanup } from "../../mod.ts";
import { UsageError } from "../failure.ts";
import { aside, say, sayJson, table } from "../write.ts";

/** Removes leftovers, and says which. */
export async function clean(flags: {
  readonly dryRun?: boolean;
  readonly images?: boolean;
  readonly json?: boolean;
  readonly runtime: "local" | "docker";
}): Promise<void> {
  const { dryRun = false, images = false, json, runtime } = flags;
  if (images && runtime === "docker")
    throw new UsageError("--images is for local ones: `docker rmi` removes an engine's");
  const report = await cleanup({ dryRun, images, runtime });
  if (json) return sayJson(report);
  const verb = dryRun ? "would remove" : "removed";
  const rows = [
    ...report.removed.map(({ kind, name, reason }) => [verb, kind, name, reason ?? ""]),
    ...report.left.map(({ kind, name, reason }) => ["left", kind, name, reason ?? ""]),
  ];
  for (const line of table(rows)) say(line);
  if (rows.length === 0) aside("Nothing was left behind.");
}
