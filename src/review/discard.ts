/**
 * Puts the sandbox's workspace back to what it was.
 *
 * @module
 */
import {
  type Baseline,
  type BaselineEntries,
  type BaselineEntry,
  hostIdentity,
  isSameHost,
} from "../runtimes/workspace/mod.ts";
import type { Difference } from "./compare.ts";
import type { ContentSource } from "./contents.ts";
import type { HostFolder } from "./host-folder.ts";
import { ancestorsOf, displayOf } from "./paths.ts";
import type { Tree } from "./tree.ts";
import type { DiscardResult } from "./types.ts";

/** Takes differences back. What the host has changed meanwhile comes as the host has it now. */
export async function discardChanges(
  { tree, folder }: ContentSource,
  baseline: Baseline,
  differences: readonly Difference[],
): Promise<DiscardResult> {
  const entries = await baseline.load();
  // Everything goes first: a file may stand where a folder was.
  for (const { kind, path } of differences) if (kind !== "deleted") await tree.remove(path);
  const updated: string[] = [];
  let restored = differences.filter(({ kind }) => kind === "added").length;
  for (const path of pathsBefore(entries, differences)) {
    restored++;
    if (folder !== undefined && !(await restore(tree, folder, baseline, path, entries.get(path))))
      updated.push(displayOf(path));
  }
  return { restored, updated };
}

/** What is to be there again, folders that could not be looked into with all that was in them. */
function pathsBefore(entries: BaselineEntries, differences: readonly Difference[]): Set<string> {
  const paths = new Set<string>();
  // Of these a program can make any number.
  const hidden = new Set<string>();
  for (const { kind, path, from, before, after } of differences) {
    if (kind !== "added" && before !== undefined) paths.add(from ?? path);
    if (after?.kind === "directory") hidden.add(path);
  }
  if (hidden.size === 0) return paths;
  for (const each of entries.keys()) if (ancestorsOf(each).some((folder) => hidden.has(folder))) paths.add(each);
  return paths;
}

/** False: the host has changed it. */
async function restore(
  tree: Tree,
  folder: HostFolder,
  baseline: Baseline,
  path: string,
  entry: BaselineEntry | undefined,
): Promise<boolean> {
  if (entry === undefined) return true;
  const link = folder.linkAt(path);
  if (link !== undefined) {
    const found = folder.look(path);
    await tree.link(path, link);
    if (found.kind !== "found") return false;
    const same = !entry.changedSince && isSameHost(hostIdentity(found.stats), entry.host);
    if (!same) {
      const { mode, size } = found.stats;
      baseline.learn(path, {
        kind: "symlink",
        mode: mode & 0o777,
        size,
        target: link,
        host: hostIdentity(found.stats),
      });
    }
    return same;
  }
  const file = folder.openFile(path);
  if (file === undefined) {
    baseline.learn(path, undefined);
    return false;
  }
  try {
    const same = !entry.changedSince && isSameHost(hostIdentity(file.stats), entry.host);
    const mode = same ? entry.mode & 0o777 : file.stats.mode & 0o777;
    await tree.write(path, mode, file.chunks());
    if (!same || entry.mode !== mode) {
      const { size } = file.stats;
      baseline.learn(path, { kind: "file", mode, size, host: hostIdentity(file.stats) });
    }
    return same;
  } finally {
    file.close();
  }
}
