/**
 * Paths of a pipeline: below a project or a workspace, with `/`, without `.` and `..`.
 *
 * @module
 */
import { displaySafe } from "../audit/mod.ts";

/** A path of a definition without `./` and doubled slashes; `.` is the folder itself. */
export function plainPath(path: string): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.length === 0 ? "." : names.join("/");
}

/** Whether a path is another one, or below it. */
export function isWithin(path: string, outer: string): boolean {
  return outer === "." || path === outer || path.startsWith(`${outer}/`);
}

/** From one place to another: `path` is `from`, or below it. */
export function movedPath(path: string, from: string, to: string): string {
  const rest = from === "." ? path : path.slice(from.length + 1);
  if (path === from) return to;
  return to === "." ? rest : `${to}/${rest}`;
}

const NAME_BYTES_MAX = 255;
const PATH_BYTES_MAX = 2048;

/**
 * Why a name that a program chose may not leave its stage; undefined: it is plain. Names go into diffs, reports, archives and
 * other stages' globs: what shows as something else, or reads as something else elsewhere, is not taken.
 */
export function nameProblem(path: string, bytes: Uint8Array): string | undefined {
  if (!Buffer.from(path).equals(bytes)) return "its name is not UTF-8";
  if (displaySafe(path) !== path) return "its name has control or invisible characters, or a backslash";
  if (path.normalize("NFC") !== path) return "its name is not in Unicode's composed form";
  if (bytes.length > PATH_BYTES_MAX) return `its path is longer than ${PATH_BYTES_MAX} bytes`;
  for (const name of path.split("/")) {
    if (name === "" || name === "." || name === "..") return "its path leads elsewhere";
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `its name is longer than ${NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}
