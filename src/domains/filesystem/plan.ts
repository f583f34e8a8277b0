/**
 * The filesystem half of a policy as a table of paths.
 *
 * @module
 */

import { SandboxError } from "../../errors.ts";
import {
  absolutePattern,
  assertEnforceable,
  grantProblem,
  isWithin,
  type NormalizedPolicy,
  type PathAccess,
  unescapeGlob,
} from "../../policy/mod.ts";
import { type FilesystemRule, filesystemRules } from "./policy.ts";

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

/** What holds where two rules grant one path. */
const RANK: Readonly<Record<PathAccess, number>> = { read: 0, write: 1, device: 2 };

/**
 * Plans what the floor opens.
 *
 * Shape: one grant for each path, parents before children. Grants of one path become one: the widest access, missing
 * only if all may be missing, named after the rule that gives the access (one of the policy before one of the baseline).
 * A grant inside another is kept, for its id and because it says that the path must exist. The order of the rules does
 * not matter. `/` may be granted for reading only, and then shows the warden's directory too, which holds no secret.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If the filesystem section asks for what this version cannot enforce.
 * @throws {SandboxError} POLICY_INVALID If it grants the warden's directory, or writing to `/`, `/proc` or `/sys`.
 * @throws {SandboxError} ARGUMENT_INVALID If a path of the context is not absolute and canonical.
 */
export function planFilesystem(policy: NormalizedPolicy, context: FilesystemContext): FilesystemPlan {
  checkContext(context);
  assertEnforceable(policy, { sections: ["filesystem"], places: context });
  const { grants, denials } = filesystemRules(policy);
  const rules = grants.map((rule) => ({ ...rule, path: absolutePath(rule.path, context) }));
  checkGrants(rules);
  const byPath = new Map<string, FilesystemRule>();
  for (const rule of rules) {
    const other = byPath.get(rule.path);
    byPath.set(rule.path, other === undefined ? rule : merge(other, rule));
  }
  return {
    grants: [...byPath.values()].sort(byName).map((rule) => toGrant(rule, context)),
    denials: denials
      .map(({ path, id }) => ({ path: absolutePath(path, context), ruleId: id }))
      .sort((a, b) => byName(a, b) || (a.ruleId < b.ruleId ? -1 : 1)),
  };
}

function checkContext(context: FilesystemContext): void {
  for (const [argument, value] of Object.entries(context)) {
    if (/^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(value)) continue;
    throw new SandboxError(
      "ARGUMENT_INVALID",
      `Cannot use "${value}" as ${argument}: it must be absolute and canonical`,
      {
        details: { argument, value },
      },
    );
  }
}

/** Paths outside the root's own: a policy that came through `parsePolicy()` is clean unless the context moves it. */
function checkGrants(rules: readonly FilesystemRule[]): void {
  const issues = rules.flatMap(({ id, path, access }) => {
    // The baseline alone grants devices, and it is data of this library.
    const message = access === "device" ? undefined : grantProblem(path, access);
    return message === undefined ? [] : [{ path: id, message }];
  });
  const [first] = issues;
  if (first === undefined) return;
  throw new SandboxError("POLICY_INVALID", `Cannot plan the grant ${first.path}: ${first.message}`, {
    details: { issues },
  });
}

function absolutePath(path: string, context: FilesystemContext): string {
  return unescapeGlob(absolutePattern(path, context));
}

function merge(a: FilesystemRule, b: FilesystemRule): FilesystemRule {
  const winner = compare(a, b) <= 0 ? a : b;
  return { ...winner, optional: a.optional && b.optional };
}

/** Widest access first, then rules of the policy, then by id. */
function compare(a: FilesystemRule, b: FilesystemRule): number {
  if (a.access !== b.access) return RANK[b.access] - RANK[a.access];
  if (a.baseline !== b.baseline) return a.baseline ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}

/** By code units, so that a directory comes before what is in it. */
function byName(a: { readonly path: string }, b: { readonly path: string }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

function toGrant({ id, path, access, optional }: FilesystemRule, { workspace }: FilesystemContext): FilesystemGrant {
  const grant = { path, access, optional, ruleId: id };
  if (!isWithin(path, workspace)) return { ...grant, inWorkspace: false };
  return { ...grant, inWorkspace: true, workspaceRelative: path.slice(workspace.length + 1) || "." };
}
