/**
 * Following a path of the host to what it really names, and remembering the symlinks on the way: the sandbox's root
 * shows the same links, and the same objects at the same places.
 *
 * @module
 */
import { lstat, readlink } from "node:fs/promises";
import { dirname, posix } from "node:path";

/** What a path of the host is. */
export interface ResolvedPath {
  /** The symlinks that were followed: where each is, and what it says. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** The real path. */
  readonly real: string;
  readonly directory: boolean;
}

const LINKS_MAX = 40;

/** Resolves an absolute path; undefined if nothing is there. See path_resolution(7). */
export async function resolveHostPath(path: string): Promise<ResolvedPath | undefined> {
  const links: { path: string; target: string }[] = [];
  const rest = path.split("/").filter((part) => part !== "");
  let at = "/";
  let directory = true;
  while (rest.length > 0) {
    const next = posix.join(at, rest.shift() as string);
    const stats = await lstat(next).catch(() => undefined);
    if (stats === undefined) return undefined;
    directory = stats.isDirectory();
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    const target = await readlink(next);
    if (links.length === LINKS_MAX) return undefined;
    links.push({ path: next, target });
    const absolute = posix.resolve(dirname(next), target);
    rest.unshift(...absolute.split("/").filter((part) => part !== ""));
    at = "/";
    directory = true;
  }
  return { links, real: at, directory };
}
