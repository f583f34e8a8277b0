/**
 * What becomes of what a program changed: shown, asked about, and written back or not.
 *
 * @module
 */
import type { FileHandle } from "node:fs/promises";
import type { ApplyResult, Change, Changes, Sandbox } from "../../mod.ts";
import { displaySafe } from "../library.ts";
import { type Look, styleOf } from "../style.ts";
import { aside, note } from "../write.ts";
import { askLine, clearTerminal } from "./ask-line.ts";
import type { RunFlags } from "./flags.ts";
import type { Interruption } from "./interruption.ts";
import { isUnderWay } from "./progress.ts";

/** What came of it: paths below the workspace. */
export interface Reviewed {
  readonly applied: readonly string[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
  /** Thrown away with the sandbox. */
  readonly left: readonly string[];
  /** The file that they were written to. */
  readonly patch?: string;
  /** Why they could not be. */
  readonly problem?: string;
}

/** What a review needs. */
export interface ReviewInput {
  readonly flags: RunFlags;
  /** Where the patch goes. */
  readonly patch: FileHandle | undefined;
  readonly interruption: Interruption;
}

/** Reviews the changes; undefined: there is nothing to review. */
export async function reviewChanges(
  sandbox: Sandbox,
  { flags, patch, interruption }: ReviewInput,
): Promise<Reviewed | undefined> {
  const { workspace } = sandbox.enforcement;
  if (workspace === "mount" || workspace === "empty") return undefined;
  const { signal } = interruption;
  const changes = await isUnderWay("Looking at what changed", sandbox.changes({ signal }), flags);
  if (changes.git.length > 0 && !flags.quiet) {
    aside(`${changes.git.length} changes of git's own files are left out: hooks and configuration run programs`);
  }
  if (changes.length === 0) return { applied: [], refused: [], left: [] };
  const asks = flags.apply === undefined && !flags.discard && flags.patch === undefined && isInteractive();
  if (asks) await clearTerminal();
  if (!flags.quiet && !flags.json) for (const line of changeLines(changes)) note(line);
  const problem = await writePatch(changes, patch);
  if (problem !== undefined) note(`cofferdam: there is no patch: ${displaySafe(problem)}`);
  const only = await choose(changes, flags, signal);
  const result = only === undefined ? undefined : await sandbox.apply({ changes, ...only });
  const reviewed: Reviewed = {
    ...reviewedOf(changes, result),
    ...(flags.patch === undefined || problem !== undefined ? {} : { patch: flags.patch }),
    ...(problem === undefined ? {} : { problem }),
  };
  if (!flags.quiet && !flags.json) tell(reviewed);
  return reviewed;
}

/** A file that is no text, or too long, must not take all other changes along. */
async function writePatch(changes: Changes, file: FileHandle | undefined): Promise<string | undefined> {
  try {
    await file?.writeFile(await changes.toPatch());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Which are written back: undefined is none. */
async function choose(
  changes: Changes,
  { apply, discard, patch }: RunFlags,
  signal: AbortSignal,
): Promise<{ readonly only?: readonly string[] } | undefined> {
  if (apply === true || (Array.isArray(apply) && apply.length === 0)) return {};
  if (apply !== undefined) return { only: apply as readonly string[] };
  if (discard || patch !== undefined) return undefined;
  if (!isInteractive()) {
    note("cofferdam: the changes are thrown away, for nobody can be asked: use --apply, --patch or --discard");
    return undefined;
  }
  return askPerson(changes, signal);
}

function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

async function askPerson(changes: Changes, signal: AbortSignal): Promise<{ only?: readonly string[] } | undefined> {
  const style = styleOf(process.stderr);
  const question = `${style("bold", `Apply ${count(changes.length)}?`)} [y]es, [n]o, [d]iff: `;
  for (;;) {
    const answer = (await askLine(question, signal))?.trim().toLowerCase();
    if (answer === "y" || answer === "yes") return {};
    // The end of the input, and Ctrl-C, are no consent.
    if (answer === undefined || answer === "n" || answer === "no") return undefined;
    if (answer === "d" || answer === "diff") await showDiffs(changes);
  }
}

async function showDiffs(changes: Changes): Promise<void> {
  const style = styleOf(process.stderr);
  for (const change of changes) {
    note(style("bold", `${change.kind} ${displaySafe(change.path)}`));
    const diff = await change.diff().catch((error: Error) => displaySafe(error.message));
    for (const line of diff.split("\n")) {
      const look: Look | undefined = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : undefined;
      note(look === undefined ? line : style(look, line));
    }
  }
}

const LOOKS: Readonly<Record<Change["kind"], readonly [string, Look]>> = {
  added: ["A", "green"],
  modified: ["M", "yellow"],
  deleted: ["D", "red"],
  renamed: ["R", "cyan"],
};

/** How many changes are listed. */
const SHOWN_MAX = 50;

function changeLines(changes: Changes): string[] {
  const style = styleOf(process.stderr);
  const lines = changes.slice(0, SHOWN_MAX).map((change) => {
    const [letter, look] = LOOKS[change.kind];
    const from = change.from === undefined ? "" : `${displaySafe(change.from)} -> `;
    const remark = change.problem ?? (change.conflict ? "changed on the host as well" : "");
    return `  ${style(look, letter)} ${from}${displaySafe(change.path)}${remark && style("red", ` (${remark})`)}`;
  });
  const more = changes.length - lines.length;
  return [
    `${style("bold", count(changes.length))}:`,
    ...lines,
    ...(more > 0 ? [style("dim", `  and ${more} more`)] : []),
  ];
}

function reviewedOf(changes: Changes, result: ApplyResult | undefined): Reviewed {
  const applied = (result?.applied ?? []).map(({ path }) => path);
  const refused = (result?.refused ?? []).map(({ change, reason }) => ({ path: change.path, reason }));
  const done = new Set([...applied, ...refused.map(({ path }) => path)]);
  return { applied, refused, left: changes.map(({ path }) => path).filter((path) => !done.has(path)) };
}

function tell({ applied, refused, left, patch }: Reviewed): void {
  const style = styleOf(process.stderr);
  if (applied.length > 0) note(style("green", `${count(applied.length)} applied`));
  for (const { path, reason } of refused)
    note(style("red", `  not applied: ${displaySafe(path)}: ${displaySafe(reason)}`));
  if (patch !== undefined) note(`${count(applied.length + refused.length + left.length)} written to ${patch}`);
  else if (left.length > 0) note(style("dim", `${count(left.length)} thrown away`));
}

function count(changes: number): string {
  return `${changes} change${changes === 1 ? "" : "s"}`;
}
