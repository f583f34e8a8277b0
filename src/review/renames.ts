/**
 * Pairs of a deleted and an added file with one content: renames.
 *
 * @module
 */
import type { Difference, HashBefore } from "./compare.ts";
import { nameOf } from "./paths.ts";

/** The differences with renames in place of the two halves of each. Empty files are never paired. */
export async function pairRenames(differences: readonly Difference[], hashBefore: HashBefore): Promise<Difference[]> {
  const sizes = new Set(differences.filter(isCandidate).map(({ after }) => after?.size));
  const deleted = new Map<string, Difference[]>();
  for (const each of differences) {
    const { kind, path, before } = each;
    // Only files whose size is that of an added one are read.
    if (kind !== "deleted" || before?.kind !== "file" || !sizes.has(before.size)) continue;
    const sha256 = await hashBefore(path, before);
    if (sha256 !== undefined) deleted.set(sha256, [...(deleted.get(sha256) ?? []), each]);
  }
  const gone = new Set<Difference>();
  const paired = differences.map((each) => {
    const old = isCandidate(each) ? take(deleted.get(each.after?.sha256 ?? "") ?? [], each.path) : undefined;
    if (old?.before === undefined) return each;
    gone.add(old);
    return { ...each, kind: "renamed" as const, from: old.path, before: old.before };
  });
  return paired.filter((each) => !gone.has(each));
}

function isCandidate({ kind, after }: Difference): boolean {
  return kind === "added" && after?.kind === "file" && after.sha256 !== undefined && after.size > 0;
}

/** Takes one out, of the same name if there is one. */
function take(from: Difference[], path: string): Difference | undefined {
  const named = from.findIndex((each) => nameOf(each.path) === nameOf(path));
  return from.splice(Math.max(0, named), 1)[0];
}
