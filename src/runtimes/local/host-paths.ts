/**
 * Following a path to what it really names, on the host or below a folder that is a sandbox's root, and remembering the symlinks on
 * the way: the sandbox's root shows the same links, and the same objects at the same places.
 *
 * @module
 */
import { lstatSync, readlinkSync } from "node:fs";
import { dirname, posix } from "node:path";

/** What a path is. */
export interface ResolvedPath {
  /** The symlinks that were followed: where each is, and what it says. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** The real path, in the sandbox. */
  readonly real: string;
  /** Where that is on the host: without a symlink. */
  readonly source: string;
  readonly directory: boolean;
}

const LINKS_MAX = 40;

/**
 * A resolver of absolute paths; `root` is the folder of the host, without symlinks in its path, that they begin in, and that no link
 * leads out of. It gives undefined where nothing is. It remembers what it saw: eighty paths of one
 * baseline share their first components. Synchronous, for a promise costs ten times what such a look does.
 *
 * @see path_resolution(7)
 */
export function createResolver(root = "/"): (path: string) => ResolvedPath | undefined {
  const seen = new Map<string, Place>();
  const look = (path: string): Place => {
    const known = seen.get(path);
    if (known !== undefined) return known;
    const place = placeAt(posix.join(root, path));
    seen.set(path, place);
    return place;
  };
  return (path) => {
    const found = resolvePath(path, look);
    return found === undefined ? undefined : { ...found, source: posix.join(root, found.real) };
  };
}

/** A directory, the target of a symlink, something else, or nothing. */
type Place = { readonly kind: "directory" | "other" | "nothing" } | { readonly kind: "link"; readonly target: string };

function placeAt(path: string): Place {
  try {
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
    return { kind: stats.isDirectory() ? "directory" : "other" };
  } catch {
    // What this process may not even look at, it cannot give away either.
    return { kind: "nothing" };
  }
}

function resolvePath(path: string, look: (path: string) => Place): Omit<ResolvedPath, "source"> | undefined {
  const links: { path: string; target: string }[] = [];
  const rest = componentsOf(path);
  let at = "/";
  let directory = true;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next = posix.join(at, part);
    const place = look(next);
    if (place.kind === "nothing") return undefined;
    if (place.kind === "other" && rest.length > 0) return undefined;
    directory = place.kind === "directory";
    if (place.kind !== "link") {
      at = next;
      continue;
    }
    if (links.length === LINKS_MAX) return undefined;
    links.push({ path: next, target: place.target });
    rest.unshift(...componentsOf(posix.resolve(dirname(next), place.target)));
    at = "/";
    directory = true;
  }
  return { links, real: at, directory };
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}
