/**
 * Which paths are git's own: its hooks and configuration run programs, whoever wrote them.
 *
 * @module
 */
import type { Difference } from "./compare.ts";
import { ancestorsOf, displayOf, nameOf, parentOf } from "./paths.ts";
import type { ScannedEntry } from "./tree.ts";

/** Code points that HFS+ passes over when it compares names. */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Whether a name is `.git` on some file system: in any case, with what HFS+ ignores, with the dots, spaces and streams that
 * NTFS drops, or as its short name.
 */
export function isGitName(name: string): boolean {
  return displayOf(name)
    .replace(IGNORED_BY_HFS, "")
    .toLowerCase()
    .split("\\")
    .some((part) => /^(?:\.git|git~\d+)[. ]*(?::.*)?$/s.test(part));
}

/** Whether some component of a path is `.git`: a repository, a nested one, or the file that points to a submodule's. */
export function isGitPath(path: string): boolean {
  return path.split("/").some(isGitName);
}

/** What makes a folder a repository, with `HEAD`; `commondir` says where the rest of it lies. See gitrepository-layout(5). */
const REPOSITORY_PARTS = new Set(["head", "objects", "refs", "commondir"]);
const REPOSITORY_FOLDERS = new Set(["objects", "refs"]);

/**
 * Folders that git takes for repositories by what is in them, without a `.git`: it would read their configuration, or that of
 * the folder that they point to, when somebody works there.
 */
export function bareRepositories(present: readonly ScannedEntry[]): ReadonlySet<string> {
  const parts = new Map<string, Set<string>>();
  for (const { path, kind } of present) {
    const name = nameOf(path).toLowerCase();
    if (!REPOSITORY_PARTS.has(name) || (kind === "file" && REPOSITORY_FOLDERS.has(name))) continue;
    const folder = parentOf(path);
    parts.set(folder, (parts.get(folder) ?? new Set()).add(name));
  }
  return new Set([...parts].filter(([, names]) => isRepository(names)).map(([folder]) => folder));
}

function isRepository(parts: ReadonlySet<string>): boolean {
  return parts.has("head") && (parts.has("commondir") || (parts.has("objects") && parts.has("refs")));
}

/** Whether a difference touches git's own. */
export function touchesGit({ path, from }: Difference, bare: ReadonlySet<string>): boolean {
  return isGit(path, bare) || (from !== undefined && isGit(from, bare));
}

function isGit(path: string, bare: ReadonlySet<string>): boolean {
  return isGitPath(path) || (bare.size > 0 && (bare.has("") || ancestorsOf(path).some((folder) => bare.has(folder))));
}

const OBJECT = /^\.git\/objects\/(?:[0-9a-f]{2}\/[0-9a-f]{38,62}|pack\/pack-[0-9a-f]{40,64}\.(?:pack|idx|rev))$/;
const REFERENCE = /^\.git\/refs\/(?:heads|tags)\/./;

/**
 * Whether a path is what a commit is made of: an object, or a branch or tag, of the workspace's own repository. Nothing in
 * those is ever executed.
 */
export function isCommitPath(path: string): boolean {
  return OBJECT.test(path) || (REFERENCE.test(path) && !/(?:\.lock|\/\.[^/]*)$/.test(path));
}
