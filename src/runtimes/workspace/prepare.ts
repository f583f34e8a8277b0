/**
 * Looks at a workspace before a sandbox uses it: what do the grants really name there?
 *
 * @module
 */
import { lstatSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { type FilesystemGrant, type FilesystemPlan, liveGrants } from "../../domains/filesystem/mod.ts";
import { SandboxError } from "../../errors.ts";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import { closeDirectory, type Directory, openRoot } from "./directory.ts";
import { type Found, find } from "./find.ts";
import { makeDirectories } from "./make-directories.ts";
import type { Agent } from "./ownership.ts";
import { componentsOf, type WorkspaceGrant } from "./select.ts";

/** What {@link prepareWorkspace} looks at. */
export interface PrepareOptions {
  /** Undefined: an empty workspace. */
  readonly path: string | undefined;
  readonly filesystem: FilesystemPlan;
  /**
   * For a workspace that is used as it is, live: who gets the missing directories that may be written. Undefined: nothing
   * on the host is touched, and they are listed as `missing`.
   */
  readonly create: Agent | undefined;
}

/** A workspace that is fit for use. */
export interface PreparedWorkspace {
  /** What is brought into the sandbox, parents before children: the grants that apply, or all of a live workspace. */
  readonly grants: readonly PreparedGrant[];
  /** Directories to make in the copy, parents before children. */
  readonly missing: readonly string[];
}

/** A grant whose path was found. */
export interface PreparedGrant extends WorkspaceGrant {
  readonly kind: "file" | "directory";
}

/**
 * Finds every grant in the workspace, without following a link.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If the workspace or a granted path in it is not what it must be.
 * @throws {SandboxError} PATH_MISSING If a path that may be read does not exist.
 */
export function prepareWorkspace(options: PrepareOptions): PreparedWorkspace {
  const { path, filesystem, create } = options;
  const root = path === undefined ? undefined : openWorkspace(path);
  try {
    const grants: PreparedGrant[] = [];
    const missing = new Set<string>();
    for (const grant of filesystem.grants) {
      if (!grant.inWorkspace) continue;
      const prepared = prepareGrant(grant, root, path, missing, create);
      if (prepared !== undefined) grants.push(prepared);
    }
    if (root !== undefined && create !== undefined) return { grants: wholeWorkspace(filesystem), missing: [] };
    return { grants, missing: [...missing] };
  } finally {
    if (root !== undefined) closeDirectory(root);
  }
}

function openWorkspace(path: string): Directory {
  if (!isAbsolute(path)) throw unusable(path, "the path is not absolute");
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw unusable(path, "it does not exist");
  if (stats.isSymbolicLink()) throw unusable(path, "it is a symbolic link");
  if (!stats.isDirectory()) throw unusable(path, "it is not a directory");
  try {
    return openRoot(path);
  } catch (error) {
    throw unusable(path, messageOf(error), undefined, error);
  }
}

function prepareGrant(
  grant: FilesystemGrant,
  root: Directory | undefined,
  workspace: string | undefined,
  missing: Set<string>,
  create: Agent | undefined,
): PreparedGrant | undefined {
  const components = componentsOf(grant.workspaceRelative ?? grant.path.slice(WORKSPACE_PATH.length));
  const relative = components.join("/") || ".";
  const access = grant.access === "write" ? "write" : "read";
  const found: Found = root === undefined ? { kind: "missing", depth: 0 } : find(root, components);
  switch (found.kind) {
    case "file":
    case "directory":
      return { relative, access, kind: found.kind };
    case "link":
      throw unusable(pathOf(workspace, relative), `${found.at} is a symbolic link in the workspace`, grant);
    case "other":
      throw unusable(pathOf(workspace, relative), `${found.at} is neither a file nor a directory`, grant);
    case "missing":
      break;
  }
  if (components.length === 0 || missing.has(relative)) return { relative, access, kind: "directory" };
  if (grant.optional) return undefined;
  if (access === "read") throw pathMissing(workspace, relative, grant.ruleId);
  if (root !== undefined && create !== undefined) {
    make(root, components, create, workspace, grant);
    return { relative, access, kind: "directory" };
  }
  for (let depth = found.depth + 1; depth <= components.length; depth++)
    missing.add(components.slice(0, depth).join("/"));
  return { relative, access, kind: "directory" };
}

function make(
  root: Directory,
  components: readonly string[],
  owner: Agent,
  workspace: string | undefined,
  grant: FilesystemGrant,
): void {
  try {
    makeDirectories(root, components, owner);
  } catch (error) {
    const path = pathOf(workspace, components.join("/"));
    throw unusable(path, `it does not exist and cannot be made: ${messageOf(error)}`, grant, error);
  }
}

/** A live workspace is shown whole: parts of it would stay what they were when the host gives their names away. */
function wholeWorkspace(filesystem: FilesystemPlan): PreparedGrant[] {
  return liveGrants(filesystem)
    .filter(({ inWorkspace }) => inWorkspace)
    .map(({ access }) => ({ relative: ".", access: access === "write" ? "write" : "read", kind: "directory" }));
}

function pathMissing(workspace: string | undefined, relative: string, rule: string): SandboxError {
  const path = pathOf(workspace, relative);
  return new SandboxError("PATH_MISSING", `The policy grants ${path}, which does not exist`, {
    details: { path, rule },
    hint:
      workspace === undefined
        ? 'There is no workspace, so it is empty: name its folder, for instance workspace: "."'
        : "Create it, correct the path, or mark the grant as optional.",
  });
}

function unusable(path: string, reason: string, grant?: FilesystemGrant, cause?: unknown): SandboxError {
  const rule = grant === undefined ? "" : ` (rule ${grant.ruleId})`;
  return new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be used: ${path}${rule}: ${reason}`, {
    details: { path, reason },
    ...(grant === undefined
      ? {}
      : { hint: "Links in a workspace are never followed: grant the path that is really meant." }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function pathOf(workspace: string | undefined, relative: string): string {
  return workspace === undefined ? `${WORKSPACE_PATH}/${relative}` : join(workspace, relative);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
