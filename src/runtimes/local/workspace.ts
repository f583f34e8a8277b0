/**
 * The workspace of a local sandbox on the host's disk: the folder itself, or a private copy.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxError } from "../../errors.ts";
import type { StartRequest } from "../runtime.ts";
import { copyWorkspace, describeReport, errnoOf, type PreparedWorkspace, prepareWorkspace } from "../workspace/mod.ts";
import type { HostUser } from "./user.ts";

/** A workspace that is ready to be bound. */
export interface LocalWorkspace {
  /** The folder whose parts are bound. */
  readonly source: string;
  /** What is bound: paths below the source. */
  readonly prepared: PreparedWorkspace;
  readonly notes: readonly string[];
}

/**
 * Makes the workspace ready. A private folder that it makes for that is told to `own` before.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If it, or a granted path in it, is not what it must be.
 * @throws {SandboxError} PATH_MISSING If a path that may be read does not exist.
 */
export async function prepareLocalWorkspace(
  request: StartRequest,
  user: HostUser,
  own: (folder: string) => void,
): Promise<LocalWorkspace> {
  const { workspace, filesystem } = request;
  const owner = { uid: user.uid, gid: user.gid };
  if (workspace?.mode === "mount") {
    const prepared = prepareWorkspace({ path: workspace.path, filesystem, create: owner });
    return { source: workspace.path, prepared, notes: [] };
  }
  const prepared = prepareWorkspace({ path: workspace?.path, filesystem, create: undefined });
  const scratch = join(tmpdir(), `cofferdam-${request.id}`);
  own(scratch);
  const source = join(scratch, "workspace");
  try {
    // Nobody else may enter, so ids and modes inside are the sandbox's own affair.
    await mkdir(scratch, { mode: 0o700 });
    await mkdir(source, { mode: 0o700 });
    const options = { ...owner, grants: prepared.grants, missing: prepared.missing, chown: user.rootful };
    const report = await copyWorkspace(workspace?.path ?? (await emptyFolder(scratch)), source, options);
    return { source, prepared, notes: describeReport(report) };
  } catch (error) {
    throw SandboxError.is(error) ? error : copyFailed(scratch, error);
  }
}

function copyFailed(scratch: string, cause: unknown): SandboxError<"START_FAILED"> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const errno = errnoOf(cause);
  return new SandboxError("START_FAILED", `Cannot make a private copy of the workspace in "${scratch}": ${reason}`, {
    details: { stage: "copy", ...(errno === undefined ? {} : { errno }) },
    hint: "Make room there, or set TMPDIR to a folder on a larger disk",
    cause,
  });
}

async function emptyFolder(scratch: string): Promise<string> {
  const path = join(scratch, "empty");
  await mkdir(path, { mode: 0o700 });
  return path;
}
