/**
 * Compares a baseline with the present tree. Pure, apart from asking for hashes of the host's own files.
 *
 * @module
 */
import type { BaselineEntries, BaselineEntry } from "../runtimes/workspace/mod.ts";
import { ancestorsOf } from "./paths.ts";
import type { ScannedEntry } from "./tree.ts";
import type { ChangeKind, ChangeProblem } from "./types.ts";

/** A difference, before it is dressed up for people. Paths are Latin-1. */
export interface Difference {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly from?: string;
  readonly before?: BaselineEntry;
  readonly after?: ScannedEntry;
  readonly problem?: ChangeProblem;
  /** Whether it is git's own. */
  readonly git?: boolean;
}

/** The hash of a file as it was; undefined where nobody knows it any more. */
export type HashBefore = (path: string, entry: BaselineEntry) => Promise<string | undefined>;

/**
 * Every difference, in no order. Undefined: some file has neither a hash nor proof that it did not change, so the tree must
 * be looked at again with every file hashed.
 */
export async function compare(
  baseline: BaselineEntries,
  present: readonly ScannedEntry[],
  hashBefore: HashBefore,
): Promise<Difference[] | undefined> {
  const found: Difference[] = [];
  const seen = new Set<string>();
  const hidden = new Set<string>();
  for (const after of present) {
    const before = baseline.get(after.path);
    if (after.kind === "directory") {
      if (after.problem === undefined) continue;
      hidden.add(after.path);
      found.push({ kind: "modified", path: after.path, after, problem: after.problem });
      continue;
    }
    seen.add(after.path);
    if (before === undefined) {
      if (needsHash(after)) return undefined;
      found.push({ kind: "added", path: after.path, after, ...problemOf(after) });
      continue;
    }
    const same = await isSame(after, before, hashBefore);
    if (same === undefined) return undefined;
    if (!same) found.push({ kind: "modified", path: after.path, before, after, ...problemOf(after) });
  }
  for (const [path, before] of baseline) {
    // What lies in a folder that cannot be looked into is not gone, as far as anybody can tell.
    if (seen.has(path) || (hidden.size > 0 && ancestorsOf(path).some((folder) => hidden.has(folder)))) continue;
    found.push({ kind: "deleted", path, before });
  }
  return found;
}

function problemOf(after: ScannedEntry): { readonly problem?: ChangeProblem } {
  if (after.problem !== undefined) return { problem: after.problem };
  return after.kind === "special" ? { problem: "special" } : {};
}

function needsHash(after: ScannedEntry): boolean {
  return after.kind === "file" && after.sha256 === undefined && after.problem === undefined;
}

/** Undefined: it cannot be told without a hash. */
async function isSame(
  after: ScannedEntry,
  before: BaselineEntry,
  hashBefore: HashBefore,
): Promise<boolean | undefined> {
  if (after.kind !== before.kind) return needsHash(after) ? undefined : false;
  if (after.kind === "symlink") return after.target?.equals(before.target ?? Buffer.alloc(0)) ?? false;
  const { copy } = before;
  const isUnmoved = copy !== undefined && copy.inode === after.inode && copy.ctimeMs === after.ctimeMs;
  if (needsHash(after)) return isUnmoved ? true : undefined;
  // One that the agent never could read, made just before the sandbox.
  if (after.problem === "unreadable" && isUnmoved) return true;
  // What is too large to hash, or was made unreadable, did change: its change time says so.
  const content = after.size === before.size && after.sha256 !== undefined;
  if (!content || after.sha256 !== (await hashBefore(after.path, before))) return false;
  return (after.mode & 0o7777) === before.mode;
}
