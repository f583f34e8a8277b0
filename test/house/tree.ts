import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository, with a `/` at its end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** The paths of all files in a folder of the repository, relative to it, sorted; none if there is no such folder. */
export function filesIn(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}

/** Whether a path matches a glob in which `*` stays within a segment and `**` crosses. */
export function matches(path: string, glob: string): boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\/|\*\*|\*/g, (star) => (star === "**/" ? "(?:.*/)?" : star === "**" ? ".*" : "[^/]*"));
  return new RegExp(`^${pattern}$`).test(path);
}
