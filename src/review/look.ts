/**
 * Finds what changed.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { Baseline } from "../runtimes/workspace/mod.ts";
import { compare, type Difference, type HashBefore } from "./compare.ts";
import { bareRepositories, touchesGit } from "./git-paths.ts";
import type { HostFolder } from "./host-folder.ts";
import { IgnoreRules } from "./ignore-rules.ts";
import { pairRenames } from "./renames.ts";
import type { ScannedEntry, ScanOptions, Tree } from "./tree.ts";

/** What a look needs. */
export interface LookParts {
  readonly baseline: Baseline;
  readonly tree: Tree;
  readonly folder: HostFolder | undefined;
  readonly maxFileBytes: number;
  /** Whether what the host's rules ignore is listed. */
  readonly ignored: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What a look found. */
export interface Look {
  readonly listed: readonly Difference[];
  readonly git: readonly Difference[];
  readonly ignoredCount: number;
  /** The folders that are there. */
  readonly folders: ReadonlySet<string>;
}

/** Some hundred megabytes of this process's memory: a program can make any number of entries, with paths as long as 8 KiB. */
const ENTRIES_MAX = 500_000;
const NAMES_BYTES_MAX = 64 * 1024 * 1024;

/** Looks at everything that may be written. */
export async function look(parts: LookParts): Promise<Look> {
  const { baseline, folder } = parts;
  if (baseline.isUntouched?.()) return { listed: [], git: [], ignoredCount: 0, folders: new Set() };
  const hashBefore: HashBefore = async (path, entry) => entry.sha256 ?? (await folder?.hashOf(path, entry));
  const { differences, present } = await findDifferences(parts, hashBefore);
  const bare = bareRepositories(present);
  const [git, others] = partition(differences, (each) => touchesGit(each, bare));
  const [ignored, listed] = await withoutIgnored(others, parts);
  return {
    listed: (await pairRenames(listed, hashBefore)).sort(byPath),
    git: git.map((each) => ({ ...each, git: true })).sort(byPath),
    ignoredCount: ignored,
    folders: new Set(present.flatMap(({ kind, path }) => (kind === "directory" ? [path] : []))),
  };
}

async function findDifferences(
  parts: LookParts,
  hashBefore: HashBefore,
): Promise<{ differences: Difference[]; present: ScannedEntry[] }> {
  // The second time every file is hashed: some were moved, or the clock was set back.
  const { baseline } = parts;
  const { sinceMs } = baseline;
  const loading = baseline.load();
  for (const since of sinceMs > 0 ? [sinceMs, 0] : [0]) {
    // Of an overlay both take their time, and neither waits for the other.
    const [entries, present] = await Promise.all([loading, scanAll(parts, since)]);
    const differences = await compare(entries, present, hashBefore);
    if (differences !== undefined) return { differences, present };
  }
  throw failed("a file came without a hash");
}

async function scanAll({ baseline, tree, maxFileBytes, signal }: LookParts, sinceMs: number): Promise<ScannedEntry[]> {
  const present: ScannedEntry[] = [];
  let bytes = 0;
  const options: ScanOptions = { sinceMs, maxFileBytes, ...(signal === undefined ? {} : { signal }) };
  for (const root of baseline.roots) {
    for await (const entries of tree.scan(root, options)) {
      for (const entry of entries) {
        bytes += entry.path.length + (entry.target?.length ?? 0);
        present.push(entry);
      }
      if (bytes > NAMES_BYTES_MAX) throw failed(`its paths and links have more than ${NAMES_BYTES_MAX} bytes together`);
      if (present.length > ENTRIES_MAX) throw failed(`the workspace has more than ${ENTRIES_MAX} entries`);
    }
  }
  return present;
}

async function withoutIgnored(
  differences: readonly Difference[],
  { folder, ignored }: LookParts,
): Promise<[number, Difference[]]> {
  if (folder === undefined || ignored) return [0, [...differences]];
  const rules = new IgnoreRules(folder);
  const listed: Difference[] = [];
  for (const each of differences) if (!(await rules.ignores(each.path))) listed.push(each);
  return [differences.length - listed.length, listed];
}

function partition<T>(all: readonly T[], test: (each: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []];
  for (const each of all) (test(each) ? yes : no).push(each);
  return [yes, no];
}

function byPath(a: Difference, b: Difference): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

function failed(reason: string): SandboxError<"REVIEW_FAILED"> {
  return new SandboxError("REVIEW_FAILED", `Cannot find the changes of the workspace: ${reason}`, {
    details: { path: ".", reason },
    hint: "Grant less to be written, or keep what is generated out of the workspace",
  });
}
