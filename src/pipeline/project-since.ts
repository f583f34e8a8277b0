/**
 * The project when a run is resumed: what it was, but for what the run itself has released.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { BaselineEntries } from "../runtimes/workspace/mod.ts";
import { projectPaths } from "./inputs.ts";
import { loadOutputs, type Manifest, type ManifestEntry } from "./manifest.ts";
import { isWithin } from "./paths.ts";
import { lookAtProject } from "./project.ts";
import { releasedFiles, releaseRoots } from "./release.ts";
import type { RunContext } from "./run-context.ts";
import { stageState } from "./state.ts";
import type { Stage } from "./types.ts";

/** What a stage releases, or has begun to. */
interface Begun {
  readonly roots: readonly string[];
  readonly files: Manifest;
}

/**
 * Looks at the project again.
 *
 * @throws {SandboxError} RUN_CHANGED If an input is no longer what the run began with.
 */
export async function projectSince(context: RunContext): Promise<BaselineEntries> {
  const { definition, project, inputs, folder } = context;
  const begun = await begunReleases(context);
  const paths = projectPaths(definition);
  const looked = [...paths, ...begun.flatMap(({ roots }) => roots)];
  const { manifest, entries } = await lookAtProject(project, looked, { optional: true });
  const [before, now] = [byPath(inputs), byPath(manifest)];
  const changed = [...new Set([...before.keys(), ...now.keys()])].filter((path) => {
    if (!paths.some((input) => isWithin(path, input)) || isSame(before.get(path), now.get(path))) return false;
    return !begun.some(({ roots, files }) => {
      return roots.some((root) => isWithin(path, root)) && isSame(byPath(files).get(path), now.get(path));
    });
  });
  if (changed.length > 0) throw runChanged(folder.path, changed.sort());
  return entries;
}

async function begunReleases({ definition, folder, state }: RunContext): Promise<Begun[]> {
  const found: Begun[] = [];
  for (const name of definition.order) {
    const { releasing, end } = stageState(state, name);
    if (releasing === undefined || end?.outputs === undefined) continue;
    const stage = definition.stages[name] as Stage;
    const outputs = await loadOutputs(folder.store, end.outputs);
    found.push({ roots: releaseRoots(stage), files: releasedFiles(stage, outputs) });
  }
  return found;
}

/** Folders are what is in them. */
function byPath(entries: Manifest): ReadonlyMap<string, ManifestEntry> {
  return new Map(entries.filter(({ kind }) => kind !== "folder").map((each) => [each.path, each]));
}

function isSame(a: ManifestEntry | undefined, b: ManifestEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "file" && b.kind === "file") return a.sha256 === b.sha256 && a.mode === b.mode;
  return a.kind === "symlink" && b.kind === "symlink" && a.target === b.target;
}

const SHOWN_MAX = 10;

/** The error of a run that cannot go on with something else than it began with. */
export function runChanged(run: string, changed: readonly string[]): SandboxError<"RUN_CHANGED"> {
  const more = changed.length > SHOWN_MAX ? `, and ${changed.length - SHOWN_MAX} more` : "";
  const what = changed.slice(0, SHOWN_MAX).join(", ");
  return new SandboxError("RUN_CHANGED", `Cannot resume the run in "${run}": changed since it began: ${what}${more}`, {
    details: { run, changed },
    hint: "Put it back as it was, or start a new run",
  });
}
