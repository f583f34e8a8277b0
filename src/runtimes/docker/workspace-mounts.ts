/**
 * The mounts that bring a live workspace into a container.
 *
 * @module
 */
import { lstatSync, readFileSync, type Stats } from "node:fs";
import type Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { WORKSPACE_PATH } from "../../policy/mod.ts";
import type { WorkspaceRequest } from "../runtime.ts";
import type { PreparedGrant } from "../workspace/prepare.ts";
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
 * One mount for the workspace, and one for each part of it that may be written.
 *
 * Landlock knows no right to change a mode or a time, and the agent owns these files: only a read-only mount keeps it
 * from changing what it may only read.
 */
export function workspaceMounts(path: string, grants: readonly PreparedGrant[]): Mount[] {
  const writable = outermostWritable(grants);
  if (writable.some((grant) => grant.relative === ".")) return [bind(path, WORKSPACE_PATH, false)];
  return [
    bind(path, WORKSPACE_PATH, true),
    ...writable.map(({ relative }) => bind(`${path}/${relative}`, `${WORKSPACE_PATH}/${relative}`, false)),
  ];
}

function outermostWritable(grants: readonly PreparedGrant[]): PreparedGrant[] {
  const writable = grants.filter((grant) => grant.access === "write");
  const below = (inner: string, outer: string): boolean => outer === "." || inner.startsWith(`${outer}/`);
  return writable.filter(
    (grant, index) =>
      writable.findIndex((other) => other.relative === grant.relative) === index &&
      !writable.some((other) => other.relative !== grant.relative && below(grant.relative, other.relative)),
  );
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
 * Makes sure that the mounts of a started container are what was looked at: another sandbox that writes to the same
 * workspace can put a link in a folder's place between the two. Returns a note where that cannot be told.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If a mount shows something else.
 */
export async function verifyMounts(
  container: Docker.Container,
  { path, identity }: WorkspaceRequest,
  mounts: readonly Mount[],
): Promise<string | undefined> {
  const { State } = await container.inspect();
  const found = mountsOfProcess(State.Pid);
  const shown = lookInside(State.Pid);
  if (
    identity !== undefined &&
    shown !== undefined &&
    (shown.dev !== identity.device || shown.ino !== identity.inode)
  ) {
    throw unusable(path, "it became something else while it was mounted");
  }

  const root = found?.get(WORKSPACE_PATH);
  if (found === undefined || root === undefined) {
    return "the mounts of the workspace could not be verified: the engine's processes are not visible from here";
  }
  for (const { Target } of mounts.slice(1)) {
    const relative = Target.slice(WORKSPACE_PATH.length);
    const mount = found.get(Target);
    // A path in the file system, so the links on the way are resolved in it.
    if (mount?.device === root.device && mount.root === (root.root === "/" ? relative : root.root + relative)) continue;
    const reason = `${relative.slice(1)} became something else while it was mounted`;
    throw new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be used: ${reason}`, {
      details: { path, reason },
      hint: "Something else changes this workspace right now, perhaps another sandbox: use `copy`, or try again.",
    });
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

/** Grants on another file system than the workspace cannot be verified. */
export function refuseOtherFileSystems(path: string, device: number, grants: readonly PreparedGrant[]): void {
  for (const grant of grants) {
    if (grant.access !== "write" || grant.device === undefined || grant.device === device) continue;
    throw unusable(path, `${grant.relative}, which may be written, is on another file system than the workspace`);
  }
}

function mountsOfProcess(pid: number): Map<string, { device: string; root: string }> | undefined {
  try {
    const mounts = new Map<string, { device: string; root: string }>();
    for (const line of readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")) {
      const [, , device, root, target] = line.split(" ");
      if (device !== undefined && root !== undefined && target !== undefined) {
        mounts.set(unescapeOctal(target), { device, root: unescapeOctal(root) });
      }
    }
    return mounts;
  } catch {
    return undefined;
  }
}

/** Blanks and the like are written as three octal digits for each byte; the rest is UTF-8. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function unusable(path: string, reason: string): SandboxError {
  return new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be mounted: ${reason}`, {
    details: { path, reason },
    hint: 'Use a copy instead: `workspace: { mode: "copy" }`.',
  });
}
