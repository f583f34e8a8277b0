/**
 * The filesystem half of a policy as a table of paths.
 *
 * @module
 */

import type { NormalizedPolicy, PathAccess } from "../../policy/mod.ts";

/** Where the workspace and the home are in the sandbox: absolute paths. */
export interface FilesystemContext {
  readonly workspace: string;
  readonly home: string;
}

/** One path that the floor opens. */
export interface FilesystemGrant {
  /** Absolute in the sandbox, without a trailing slash. A directory stands for its whole tree. */
  readonly path: string;
  /** `read` includes listing and executing; `write` includes `read`; `device` is read, write and ioctl. */
  readonly access: PathAccess;
  /** Whether a missing path is passed over. Otherwise it is an error. */
  readonly optional: boolean;
  /** The rule that grants it, for verdicts and errors. */
  readonly ruleId: string;
  readonly inWorkspace: boolean;
  /** The path below the workspace, for a grant in it: `.` is the workspace itself. */
  readonly workspaceRelative?: string;
}

/** One path that stays closed. */
export interface FilesystemDenial {
  /** Absolute in the sandbox, without a trailing slash. */
  readonly path: string;
  readonly ruleId: string;
}

/** What the floor opens, parents before children; everything else is closed. */
export interface FilesystemPlan {
  readonly grants: readonly FilesystemGrant[];
  /**
   * Literal denials, all outside every grant by name. A runtime that knows the real objects refuses to start where
   * one of them lies, through a link, inside a granted tree.
   */
  readonly denials: readonly FilesystemDenial[];
}

export declare function planFilesystem(policy: NormalizedPolicy, context: FilesystemContext): FilesystemPlan;
