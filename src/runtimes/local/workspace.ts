/**
 * The workspace of a local sandbox on the host's disk: the folder itself, a private copy, or an overlay.
 *
 * @module
 */
import { chmod, chown, lstat, mkdir, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxError } from "../../errors.ts";
import { ownedName } from "../leftovers.ts";
import type { HostView, StartRequest, WorkspaceRequest } from "../runtime.ts";
import {
  type Baseline,
  BaselineRecorder,
  describeReport,
  errnoOf,
  folderOf,
  OverlayBaseline,
  type PreparedWorkspace,
  prepareWorkspace,
  type Survey,
} from "../workspace/mod.ts";
import type { CopyingLauncher } from "./copied.ts";
import { copyWorkspace, emptyWorkspace } from "./copy.ts";
import { workspaceSteps } from "./layout.ts";
import type { Step } from "./steps.ts";
import type { HostUser } from "./user.ts";

/** A workspace that is ready to be bound. */
export interface LocalWorkspace {
  /** The folder whose parts are bound. */
  readonly source: string;
  /** What brings it into the sandbox. */
  readonly steps: readonly Step[];
  readonly view: Omit<HostView, "root">;
  /** What it was; undefined for the folder itself. */
  readonly baseline: Baseline | undefined;
  readonly notes: readonly string[];
}

/** What making it ready needs. */
export interface WorkspaceMaker {
  readonly user: HostUser;
  readonly launcher: CopyingLauncher;
  /** Looks at folders, whenever somebody wants to know what changed. */
  readonly survey: Survey;
  /** Hears of a private folder before it is made. */
  own(folder: string): void;
}

/**
 * Makes the workspace ready.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If it, or a granted path in it, is not what it must be.
 * @throws {SandboxError} PATH_MISSING If a path that may be read does not exist.
 */
export async function prepareLocalWorkspace(request: StartRequest, maker: WorkspaceMaker): Promise<LocalWorkspace> {
  const { workspace, filesystem } = request;
  const { user } = maker;
  if (workspace?.mode === "mount") {
    const create = { uid: user.uid, gid: user.gid };
    const prepared = prepareWorkspace({ path: workspace.path, filesystem, create });
    return { source: workspace.path, steps: workspaceSteps(prepared), view: {}, baseline: undefined, notes: [] };
  }
  const prepared = prepareWorkspace({ path: workspace?.path, filesystem, create: undefined });
  // The launcher follows no link to it: one in it later is somebody's trick.
  const scratch = join(await realpath(tmpdir()).catch(() => tmpdir()), ownedName(request.id));
  maker.own(scratch);
  try {
    // Nobody else may enter, so ids and modes inside are the sandbox's own affair.
    await mkdir(scratch, { mode: 0o700 });
    return workspace?.mode === "overlay"
      ? await layWorkspace(workspace, prepared, maker, scratch)
      : await takeCopy(request, prepared, maker, scratch);
  } catch (error) {
    throw SandboxError.is(error) ? error : scratchFailed(scratch, error);
  }
}

async function takeCopy(
  { workspace, signal }: StartRequest,
  prepared: PreparedWorkspace,
  { launcher, user: { uid, gid, rootful } }: WorkspaceMaker,
  scratch: string,
): Promise<LocalWorkspace> {
  const source = join(scratch, "workspace");
  await mkdir(source, { mode: 0o700 });
  const recorder = new BaselineRecorder();
  const { grants, missing } = prepared;
  const options = { uid, gid, grants, missing, chown: rootful, baseline: recorder, signal };
  const notes =
    workspace === undefined
      ? await emptyWorkspace(source, options).then(() => [])
      : describeReport(await copyWorkspace(launcher, workspace.path, source, options));
  const baseline = recorder.baseline(folderOf(workspace), grants);
  return { source, steps: workspaceSteps(prepared), view: { copy: source }, baseline, notes };
}

/** What an overlay is made of. The launcher mounts it: the mount is the sandbox's alone. */
async function layWorkspace(
  workspace: WorkspaceRequest,
  prepared: PreparedWorkspace,
  { survey, user: { uid, gid, rootful } }: WorkspaceMaker,
  scratch: string,
): Promise<LocalWorkspace> {
  const { path } = workspace;
  for (const name of ["lower", "upper", "work", "merged"]) await mkdir(join(scratch, name), { mode: 0o700 });
  const upper = join(scratch, "upper");
  // The top of the merged tree is the upper folder's: it has the mode of the host's.
  if (rootful) await chown(upper, uid, gid);
  await chmod(upper, (await lstat(path)).mode & 0o777);
  const missing = prepared.missing.map((source): Step => ({ kind: "directory", target: "/", source, workspace: true }));
  return {
    source: path,
    steps: [
      { kind: "overlay", target: "/", source: path, data: scratch, owner: rootful },
      ...missing,
      ...workspaceSteps(prepared),
    ],
    view: { overlay: { lower: path, upper } },
    baseline: new OverlayBaseline(folderOf(workspace), prepared.grants, upper, survey),
    notes: [],
  };
}

function scratchFailed(scratch: string, cause: unknown): SandboxError<"START_FAILED"> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const errno = errnoOf(cause);
  return new SandboxError("START_FAILED", `Cannot prepare the workspace in "${scratch}": ${reason}`, {
    details: { stage: "copy", ...(errno === undefined ? {} : { errno }) },
    hint: "Make room there, or set TMPDIR to a folder on a larger disk",
    cause,
  });
}
