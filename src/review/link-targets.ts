/**
 * Where a symlink leads, told from its text alone.
 *
 * @module
 */
import { parentOf } from "./paths.ts";

/**
 * Whether a link at `path` might lead out of the folder. Its own folders are real ones, so `..` at the beginning climbs as
 * expected; behind a name, which may be a link itself, nobody can tell, and neither for an absolute link.
 */
export function mayLeadOut(path: string, target: Buffer): boolean {
  const text = target.toString("latin1");
  if (text === "" || text.startsWith("/")) return true;
  const names = text.split("/").filter((name) => name !== "" && name !== ".");
  const climbs = names.findIndex((name) => name !== "..");
  const up = climbs < 0 ? names.length : climbs;
  const parent = parentOf(path);
  const depth = parent === "" ? 0 : parent.split("/").length;
  return up > depth || names.slice(up).includes("..");
}
