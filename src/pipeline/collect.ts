/**
 * What leaves a stage's sandbox: what was declared, plain files, and nothing else.
 *
 * @module
 */
import { ChangeEntry } from "../review/change-list.ts";
import { isGitName } from "../review/git-paths.ts";
import type { Change } from "../review/mod.ts";
import type { Sandbox } from "../sandbox/running.ts";
import { StageFailure } from "./failure.ts";
import { below, type Manifest, type ManifestEntry, type OutputManifests, sorted } from "./manifest.ts";
import { isWithin, nameProblem, plainPath } from "./paths.ts";
import { isStdout } from "./rules.ts";
import type { Store } from "./store.ts";
import type { PathOutput, Stage } from "./types.ts";
import type { Workspace } from "./workspace.ts";

/** The bounds of an output that says none. */
const BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 10_000;

/** What collecting needs. */
export interface CollectFrom {
  readonly sandbox: Sandbox;
  readonly stage: Stage;
  readonly workspace: Workspace;
  /** What the workspace began with. */
  readonly inputs: Manifest;
  readonly store: Store;
  readonly signal: AbortSignal;
}

interface NamedOutput extends PathOutput {
  readonly name: string;
  /** Plain. */
  readonly path: string;
}

/**
 * Looks at everything that the stage changed, refuses what must not leave, and stores the rest.
 *
 * @throws {StageFailure} If something was smuggled, is missing, or too large.
 */
export async function collectOutputs(from: CollectFrom): Promise<OutputManifests> {
  const { sandbox, stage, workspace, inputs, store, signal } = from;
  const outputs = Object.entries(stage.outputs ?? {}).flatMap(([name, output]): NamedOutput[] =>
    isStdout(output) ? [] : [{ ...output, name, path: plainPath(output.path) }],
  );
  const scratch = (stage.scratch ?? []).map(plainPath);
  const maxFileBytes = Math.max(1, ...outputs.map(({ maxBytes = BYTES_MAX }) => maxBytes));
  const changes = await sandbox.changes({ ignored: true, maxFileBytes, signal });
  const declared = [...changes, ...changes.git].filter((change) => !isScratch(change, scratch));
  refuseSmuggled(declared, outputs, new Set(changes.git));
  const made = new Map(inputs.map((entry) => [entry.path, entry]));
  for (const change of declared) applyTo(made, change);
  const all = sorted(made.values());
  // Before anything of it is on the host's disk.
  const manifests = outputs.map((output) => [output.name, bounded(output, withoutFolders(all, output.path))] as const);
  await writeToHost(sandbox, new Set(declared), changes);
  const paths = declared.filter(({ kind }) => kind !== "deleted").map(({ path }) => path);
  const stored = await workspace.take(paths, store);
  for (const path of paths) {
    const [wanted, found] = [made.get(path), stored.get(path)];
    if (wanted?.kind === "file" && found?.sha256 === wanted.sha256 && found.size === wanted.size) continue;
    throw new StageFailure("smuggled", `"${path}" is no longer what was looked at`);
  }
  return Object.fromEntries(manifests);
}

function isScratch({ path, from = path }: Change, scratch: readonly string[]): boolean {
  return [path, from].every((each) => scratch.some((outer) => isWithin(each, outer)));
}

const PROBLEMS_SHOWN = 10;

function refuseSmuggled(changes: readonly Change[], outputs: readonly NamedOutput[], git: ReadonlySet<Change>): void {
  const inodes = new Map<number, string>();
  const problems = changes.flatMap((change) => {
    const problem = git.has(change) ? "it is git's own" : smuggledBy(change, outputs, inodes);
    return problem === undefined ? [] : [{ problem, path: change.path }];
  });
  if (problems.length === 0) return;
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(({ path, problem }) => `"${path}": ${problem}`);
  const more = problems.length > lines.length ? `; and ${problems.length - lines.length} more` : "";
  const code = problems.every(({ problem }) => problem === TOO_LONG) ? "too-large" : "smuggled";
  throw new StageFailure(code, `what it made may not leave it: ${lines.join("; ")}${more}`);
}

const TOO_LONG = "it is longer than its output may be";

function smuggledBy(change: Change, outputs: readonly NamedOutput[], inodes: Map<number, string>): string | undefined {
  const { path, pathBytes, from, after, problem, kind } = change;
  for (const each of from === undefined ? [path] : [path, from]) {
    if (!outputs.some((output) => isWithin(each, output.path))) return "it is in no output";
  }
  if (kind === "deleted") return undefined;
  if (path.split("/").some((name) => isGitName(Buffer.from(name).toString("latin1")))) return "it is git's own";
  const name = nameProblem(path, pathBytes);
  if (name !== undefined) return name;
  if (problem === "too-large") return TOO_LONG;
  if (problem !== undefined) return `it is ${problem}`;
  if (after?.kind !== "file") return `it is a ${after?.kind}, and no regular file`;
  if ((after.mode & 0o7000) !== 0) return "it has a set-user-id, set-group-id or sticky bit";
  const inode = ChangeEntry.differenceOf(change)?.after?.inode ?? 0;
  const other = inode === 0 ? undefined : inodes.get(inode);
  if (other !== undefined) return `it is a second name of "${other}"`;
  inodes.set(inode, path);
  return undefined;
}

/** By the code that writes reviews back: each content is what was looked at, and nothing is written through a link. */
async function writeToHost(
  sandbox: Sandbox,
  declared: ReadonlySet<Change>,
  changes: Awaited<ReturnType<Sandbox["changes"]>>,
): Promise<void> {
  if (declared.size === 0) return;
  const { refused } = await sandbox.apply({ changes, only: (change) => declared.has(change) });
  const [first] = refused;
  if (first === undefined) return;
  throw new StageFailure("smuggled", `what it made may not leave it: "${first.change.path}": ${first.reason}`);
}

function applyTo(made: Map<string, ManifestEntry>, { kind, path, from, before, after }: Change): void {
  const old = made.get(from ?? path);
  made.delete(from ?? path);
  if (kind === "deleted") return;
  if (after?.sha256 === undefined) throw new StageFailure("smuggled", `"${path}" could not be looked at`);
  // A sandbox may have it under another mode than the project: what the program did not change stays.
  const mode = old?.kind === "file" && before?.mode === after.mode ? old.mode : after.mode & 0o777;
  made.set(path, { kind: "file", path, mode, size: after.size, sha256: after.sha256 });
}

/** Folders do not leave a stage: files make them. */
function withoutFolders(all: Manifest, path: string): Manifest {
  return below(all, path).filter(({ kind }) => kind !== "folder");
}

function bounded(output: NamedOutput, files: Manifest): Manifest {
  const { name, path, kind = "folder", optional = false, maxBytes = BYTES_MAX, maxFiles = FILES_MAX } = output;
  if (files.length === 0 && !optional)
    throw new StageFailure("missing", `it did not make its output "${name}" (${path})`);
  if (kind === "file" && files.some((each) => each.path !== path)) {
    throw new StageFailure("smuggled", `its output "${name}" is a folder, and no file`);
  }
  if (files.length > maxFiles)
    throw new StageFailure("too-large", `its output "${name}" has more than ${maxFiles} files`);
  const bytes = files.reduce((sum, each) => sum + (each.kind === "file" ? each.size : 0), 0);
  if (bytes > maxBytes) throw new StageFailure("too-large", `its output "${name}" has more than ${maxBytes} bytes`);
  return files;
}
