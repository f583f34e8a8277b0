/**
 * What a stage would change in the project: looked at for its gate, and written back when that let it. Both by the code that
 * reviews sandboxes.
 *
 * @module
 */

import type { ApplyResult, Change, Changes } from "../review/mod.ts";
import { Review } from "../review/mod.ts";
import type { Baseline, BaselineEntries } from "../runtimes/workspace/mod.ts";
import type { GateChange } from "./gate-types.ts";
import { below, type Manifest, type OutputManifests } from "./manifest.ts";
import { isWithin, plainPath } from "./paths.ts";
import { isArtifactInput, isStdout, targetOf } from "./rules.ts";
import type { RunContext } from "./run-context.ts";
import { stageState } from "./state.ts";
import { StoreTree } from "./store-tree.ts";
import type { Stage } from "./types.ts";

/** The release of one stage. */
export class Release {
  readonly #review: Review | undefined;

  constructor(context: RunContext, name: string, outputs: OutputManifests) {
    const { definition, folder, project } = context;
    const roots = releaseRoots(definition.stages[name] as Stage);
    const made = releasedFiles(definition.stages[name] as Stage, outputs);
    const entries = baselineEntries(context, name, roots, made);
    const baseline: Baseline = {
      folder: project,
      roots: roots.map(latin1),
      // Every content is compared by its digest.
      sinceMs: 0,
      load: () => Promise.resolve(entries),
      learn: (path, entry) => void (entry === undefined ? entries.delete(path) : entries.set(path, entry)),
    };
    this.#review = roots.length === 0 ? undefined : new Review(baseline, new StoreTree(folder.store, made));
  }

  /** What would change; undefined: the stage releases nothing. */
  async changes(): Promise<Changes | undefined> {
    return await this.#review?.changes({ ignored: true });
  }

  /** Writes it: each file whole, or not at all. */
  async apply(changes: Changes): Promise<ApplyResult> {
    if (this.#review === undefined) return { applied: [], refused: [] };
    return await this.#review.apply({ changes }, () => undefined);
  }
}

/** Where a stage may write in the project. */
export function releaseRoots({ outputs = {} }: Stage): string[] {
  return Object.values(outputs).flatMap((output) => {
    return !isStdout(output) && output.release ? [plainPath(output.path)] : [];
  });
}

/** The files that it would write there. */
export function releasedFiles(stage: Stage, outputs: OutputManifests): Manifest {
  return Object.entries(stage.outputs ?? {}).flatMap(([name, output]) => {
    return !isStdout(output) && output.release ? (outputs[name] ?? []) : [];
  });
}

/** Whether a stage began with the project's own file at its own path: only such a file can be changed or deleted there. */
export function hadFromProject({ inputs = [] }: Stage, path: string): boolean {
  return inputs.some((input) => {
    if (isArtifactInput(input)) return false;
    const project = plainPath(typeof input === "string" ? input : input.project);
    return project === plainPath(targetOf(input)) && isWithin(path, project);
  });
}

function baselineEntries(
  { definition, entries, state }: RunContext,
  name: string,
  roots: readonly string[],
  made: Manifest,
): BaselineEntries {
  const stage = definition.stages[name] as Stage;
  const begun = stageState(state, name).releasing !== undefined;
  const written = new Map(made.flatMap((each) => (each.kind === "file" ? [[latin1(each.path), each] as const] : [])));
  const found: BaselineEntries = new Map();
  for (const [path, entry] of entries) {
    const text = Buffer.from(path, "latin1").toString();
    if (!roots.some((root) => isWithin(text, root))) continue;
    // What a process that was killed has already written is there, and is not written again.
    const after = begun ? written.get(path) : undefined;
    const isWritten = after !== undefined && after.sha256 === entry.sha256 && after.mode === entry.mode;
    if (isWritten || hadFromProject(stage, text)) found.set(path, entry);
  }
  return found;
}

/** What somebody is asked about: changes of the project, and what else would leave the stage. */
export function gateChanges(stage: Stage, outputs: OutputManifests, changes: Changes | undefined): GateChange[] {
  const stays = Object.entries(stage.outputs ?? {}).flatMap(([name, output]) => {
    if (!isStdout(output) && output.release) return [];
    const files = isStdout(output)
      ? (outputs[name] ?? []).map((each) => ({ ...each, path: `${name} (stdout)` }))
      : below(outputs[name] ?? [], ".");
    return files.flatMap((each): GateChange[] => {
      if (each.kind !== "file") return [];
      const { path, sha256, size, mode } = each;
      return [{ kind: "made", path, sha256, size, mode }];
    });
  });
  return [...(changes ?? []).flatMap(releasedChange), ...stays];
}

/** A rename is a deletion and a new file: so that each can be told from the other when one was already written. */
function releasedChange({ kind, path, from, before, after }: Change): GateChange[] {
  const deleted: GateChange[] = kind === "deleted" ? [{ kind: "deleted", path }] : [];
  if (from !== undefined) deleted.push({ kind: "deleted", path: from });
  if (kind === "deleted" || after === undefined) return deleted;
  const sha256 = after.sha256 ?? before?.sha256;
  return [
    ...deleted,
    {
      kind: kind === "modified" ? "modified" : "added",
      path,
      ...(sha256 === undefined ? {} : { sha256 }),
      size: after.size,
      mode: after.mode & 0o777,
    },
  ];
}

function latin1(path: string): string {
  return Buffer.from(path).toString("latin1");
}
