/**
 * Writes changes back, each for itself.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { Baseline, BaselineEntry } from "../runtimes/workspace/mod.ts";
import { ChangeEntry } from "./change-list.ts";
import type { Difference } from "./compare.ts";
import { changeTest } from "./filter.ts";
import { isCommitPath, isGitPath } from "./git-paths.ts";
import { Refusal } from "./refusal.ts";
import type { ApplyOptions, ApplyResult, Change, Changes, RefusedChange } from "./types.ts";
import { type WriteBack, writeBack } from "./write-back.ts";

/** Hears of each change that was applied or refused. */
export type ApplyObserver = (change: Change, refused?: RefusedChange) => void;

/** Applies changes that were found here. The baseline learns what was applied. */
export async function applyChanges(
  to: WriteBack,
  baseline: Baseline,
  chosen: readonly Change[],
  options: ApplyOptions,
  observe: ApplyObserver,
): Promise<ApplyResult> {
  const applied: Change[] = [];
  const refused: RefusedChange[] = [];
  // Deletions first: a file may have become a folder, or the other way round.
  for (const change of [...chosen.filter(isDeletion), ...chosen.filter((each) => !isDeletion(each))]) {
    const difference = ChangeEntry.differenceOf(change);
    if (difference === undefined) throw foreign(change);
    try {
      if (isGitDifference(difference) && !(options.git === "commits" && isCommit(difference))) {
        throw new Refusal("git", "git's own files are left alone: they can run programs");
      }
      learn(baseline, difference, await writeBack(to, difference));
      applied.push(change);
      observe(change);
    } catch (error) {
      const one = refusedChange(change, error);
      refused.push(one);
      observe(change, one);
    }
  }
  if (options.check && refused.length > 0) throw changesRefused(refused);
  return { applied, refused };
}

/** What to apply of a list: what `only` says; of git's own, commits if they are wanted, and what is named. */
export function chooseChanges(changes: Changes, { only, git }: ApplyOptions): Change[] {
  const test = changeTest(only);
  const patterns = typeof only === "string" ? [only] : typeof only === "function" ? [] : (only ?? []);
  const named = patterns.some((pattern) => isGitPath(pattern));
  const own = changes.git.filter((change) => {
    const difference = ChangeEntry.differenceOf(change);
    return named || (git === "commits" && difference !== undefined && isCommit(difference));
  });
  return [...changes, ...own].filter(test);
}

function learn(baseline: Baseline, { path, from }: Difference, entry: BaselineEntry | undefined): void {
  if (from !== undefined) baseline.learn(from, undefined);
  baseline.learn(path, entry);
}

/** Every difference that came of git's part of the list is one; so is what anybody smuggles past it. */
function isGitDifference({ path, from, git }: Difference): boolean {
  return git === true || isGitPath(path) || (from !== undefined && isGitPath(from));
}

function isDeletion({ kind }: Change): boolean {
  return kind === "deleted";
}

function isCommit({ kind, path, after, before }: Difference): boolean {
  return isCommitPath(path) && kind !== "renamed" && (after ?? before)?.kind === "file";
}

function refusedChange(change: Change, error: unknown): RefusedChange {
  if (error instanceof Refusal) return { change, code: error.code, reason: error.message };
  if (SandboxError.is(error, "CHANGE_STALE")) {
    return { change, code: "sandbox-changed", reason: "the sandbox's file changed again" };
  }
  // The link is gone, and with it the sandbox: what follows would fail in the same way.
  if (SandboxError.is(error, "LINK_LOST") || SandboxError.is(error, "SANDBOX_STOPPED")) throw error;
  return { change, code: "failed", reason: error instanceof Error ? error.message : String(error) };
}

function foreign(change: Change): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", "Cannot apply a change that `changes()` did not give", {
    details: { argument: "changes", value: change },
    hint: "Pass what sandbox.changes() returned",
  });
}

function changesRefused(refused: readonly RefusedChange[]): SandboxError<"CHANGES_REFUSED"> {
  const [first] = refused;
  const what = `${JSON.stringify(first?.change.path)}: ${first?.reason}`;
  const more = refused.length > 1 ? `, and ${refused.length - 1} more` : "";
  return new SandboxError("CHANGES_REFUSED", `Cannot apply ${what}${more}`, {
    details: { refused: refused.map(({ change, code }) => ({ path: change.path, code })) },
    hint: "The others were applied. Look again with changes(), and choose with `only`",
  });
}
