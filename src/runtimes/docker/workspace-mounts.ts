/**
 * The mount that brings a live workspace into a container.
 *
 * @module
 */
import { lstatSync, type Stats } from "node:fs";
import type Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import type { WorkspaceRequest } from "../runtime.ts";
import type { WorkspaceGrant } from "../workspace/select.ts";
import type { Mount } from "./container-options.ts";
import type { Engine } from "./engine.ts";

/**
 * Refuses a live workspace where it cannot be one.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If the engine does not see the folder, or its owner cannot be the agent.
 */
export function checkMountable(workspace: WorkspaceRequest, engine: Engine, local: boolean): void {
  const { path, uid } = workspace;
  if (!local) throw unusable(path, "the Docker engine is on another machine, which does not have this folder");
  if (engine.remapsUsers)
    throw unusable(path, "the Docker engine maps users, so the folder's owner is another user inside");
  if (uid === 0) throw unusable(path, "it belongs to root, and a sandbox never runs as root");
}

/**
 * The mount of the workspace: one, for a part of it that was mounted by itself would stay what it was when the host gives
 * its name to something else. Where nothing in it may be written it is read-only. Otherwise the warden holds what is
 * finer, and that reading does not become changing modes and times: the agent owns these files.
 */
export function workspaceMounts(path: string, grants: readonly WorkspaceGrant[]): Mount[] {
  return [bind(path, WORKSPACE_PATH, !grants.some((grant) => grant.access === "write"))];
}

function bind(source: string, target: string, readOnly: boolean): Mount {
  return {
    Type: "bind",
    Source: source,
    Target: target,
    ReadOnly: readOnly,
    // What is mounted below a read-only mount would be writable: it stays outside.
    BindOptions: { Propagation: "rprivate", NonRecursive: readOnly },
  };
}

/**
 * Makes sure that the mount of a started container is what was looked at: a path can be given to another folder, or to a
 * link, between the two. Returns a note where that cannot be told.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If it shows something else.
 */
export async function verifyMount(
  container: Docker.Container,
  { path, identity }: WorkspaceRequest,
): Promise<string | undefined> {
  if (identity === undefined) return undefined;
  const { State } = await container.inspect();
  const shown = lookInside(State.Pid);
  if (shown === undefined) {
    return "the mount of the workspace could not be verified: the engine's processes are not visible from here";
  }
  if (shown.dev !== identity.device || shown.ino !== identity.inode) {
    throw unusable(path, "it became something else while it was mounted");
  }
  return undefined;
}

/** The workspace as the container sees it; undefined where its processes are not visible from here. */
function lookInside(pid: number): Stats | undefined {
  try {
    return lstatSync(`/proc/${pid}/root${WORKSPACE_PATH}`);
  } catch {
    return undefined;
  }
}

function unusable(path: string, reason: string): SandboxError {
  return new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be mounted: ${reason}`, {
    details: { path, reason },
    hint: 'Use a copy instead: `workspace: { mode: "copy" }`.',
  });
}
