/**
 * The workspace of a local sandbox on the host's disk: the folder itself, or a private copy.
 *
 * @module
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartRequest } from "../runtime.ts";
import { copyWorkspace, describeReport, type PreparedWorkspace, prepareWorkspace } from "../workspace/mod.ts";
import type { HostUser } from "./user.ts";

/** A workspace that is ready to be bound. */
export interface LocalWorkspace {
  /** The folder whose parts are bound. */
  readonly source: string;
  /** What is bound: paths below the source. */
  readonly prepared: PreparedWorkspace;
  /** The private folder that holds a copy; it goes with the sandbox. Empty: there is none. */
  readonly scratch: string;
  readonly notes: readonly string[];
  /** Removes what was made, for a sandbox that never came to be. */
  remove(): Promise<void>;
}

/**
 * Makes the workspace ready.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If it, or a granted path in it, is not what it must be.
 * @throws {SandboxError} PATH_MISSING If a path that may be read does not exist.
 */
export async function prepareLocalWorkspace(request: StartRequest, user: HostUser): Promise<LocalWorkspace> {
  const { workspace, filesystem } = request;
  const owner = { uid: user.uid, gid: user.gid };
  if (workspace?.mode === "mount") {
    const prepared = prepareWorkspace({ path: workspace.path, filesystem, create: owner });
    return { source: workspace.path, prepared, scratch: "", notes: [], remove: async () => undefined };
  }
  const prepared = prepareWorkspace({ path: workspace?.path, filesystem, create: undefined });
  // Nobody else may enter, so ids and modes inside are the sandbox's own affair.
  const scratch = await mkdtemp(join(tmpdir(), "cofferdam-"));
  const remove = () => rm(scratch, { recursive: true, force: true });
  try {
    const source = join(scratch, "workspace");
    await mkdir(source, { mode: 0o700 });
    const options = { ...owner, grants: prepared.grants, missing: prepared.missing, chown: user.rootful };
    const report = await copyWorkspace(workspace?.path ?? (await emptyFolder(scratch)), source, options);
    return { source, prepared, scratch, notes: describeReport(report), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function emptyFolder(scratch: string): Promise<string> {
  const path = join(scratch, "empty");
  await mkdir(path, { mode: 0o700 });
  return path;
}
