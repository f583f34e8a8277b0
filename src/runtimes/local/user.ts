/**
 * Which user of the host a local sandbox runs as.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { getegid, geteuid } from "node:process";
import { SandboxError } from "../../errors.ts";
import type { WorkspaceRequest } from "../runtime.ts";

/** The user of the host behind the sandbox's. */
export interface HostUser {
  readonly uid: number;
  readonly gid: number;
  /** Whether this process is root: then root makes the namespaces, and the sandbox has no power over them. */
  readonly rootful: boolean;
}

/** Ids that no distribution or container engine hands out: one for each sandbox, so that none can reach another's. */
const SPARE_IDS = { first: 1_900_000_000, last: 1_999_999_999 };

/**
 * The owner of a mounted workspace; else a user of the sandbox's own. Started by an ordinary user: always that user.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If the workspace belongs to root and is to be mounted.
 */
export function hostUser(workspace: WorkspaceRequest | undefined): HostUser {
  const uid = geteuid?.() ?? 0;
  if (uid !== 0) return { uid, gid: getegid?.() ?? uid, rootful: false };
  if (workspace?.mode !== "mount") {
    const spare = randomInt(SPARE_IDS.first, SPARE_IDS.last);
    return { uid: spare, gid: spare, rootful: true };
  }
  if (workspace.uid === 0) {
    throw new SandboxError("WORKSPACE_UNUSABLE", `Cannot mount "${workspace.path}": it belongs to root`, {
      details: { path: workspace.path, reason: "a sandbox never runs as root" },
      hint: 'Use workspace: { path, mode: "copy" }, or give the folder to another user',
    });
  }
  return { uid: workspace.uid, gid: workspace.gid === 0 ? workspace.uid : workspace.gid, rootful: true };
}
