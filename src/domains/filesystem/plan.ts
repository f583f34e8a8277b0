/**
 * The filesystem half of a policy: what the kernel's floor opens, and the rules that the warden decides by.
 *
 * @module
 */

import { SandboxError } from "../../errors.ts";
import {
  absolutePattern,
  grantProblem,
  isLiteral,
  isWithin,
  literalPrefix,
  type NormalizedPolicy,
  type PathAccess,
  type PathRule,
  pathTable,
  type Unmatched,
  unescapeGlob,
} from "../../policy/core.ts";
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
  /** Whether it opens only what is there anyway: a runtime brings nothing into the sandbox for it. */
  readonly floorOnly?: true;
}

/** One path that stays closed. */
export interface FilesystemDenial {
  /** Absolute in the sandbox, without a trailing slash. */
  readonly path: string;
  readonly ruleId: string;
}

/** What the floor opens, and what is decided above it. */
export interface FilesystemPlan {
  /**
   * What the floor opens, parents before children; everything else is closed. At least everything that the rules may
   * allow: a glob is here as the directory that all of it lies in.
   */
  readonly grants: readonly FilesystemGrant[];
  /** The denials without a glob. */
  readonly denials: readonly FilesystemDenial[];
  /** Every rule, the baseline's last. */
  readonly rules: readonly PathRule[];
  /** What becomes of a path that no rule matches. */
  readonly unmatched: Unmatched;
  /**
   * Whether a rule is finer than the floor, so that the warden has to decide. A denial always is: it may name, through a
   * link, what a grant opens.
   */
  readonly finer: boolean;
}

/** What holds where two rules grant one path. */
const RANK: Readonly<Record<PathAccess, number>> = { read: 0, write: 1, device: 2 };

/** Whose word names a grant that several rules give. */
const VOICE: Readonly<Record<FilesystemRule["source"], number>> = { policy: 0, baseline: 1, ask: 2, unmatched: 3 };

/**
 * Plans what the floor opens and what is decided above it.
 *
 * Shape: one grant for each path, parents before children. Grants of one path become one: the widest access, missing
 * only if all may be missing, named after the rule that gives the access (one of the policy before one of the baseline).
 * A grant inside another is kept, for its id and because it says that the path must exist; of a glob, the directory before
 * its first star must. The order of the rules does not matter to the grants. `/` may be granted for reading only, and then
 * shows the warden's directory too, which holds no secret.
 *
 * @throws {SandboxError} POLICY_INVALID If it grants the warden's directory, or writing to `/`, `/proc` or `/sys`.
 * @throws {SandboxError} ARGUMENT_INVALID If a path of the context is not absolute and canonical.
 */
export function planFilesystem(policy: NormalizedPolicy, context: FilesystemContext): FilesystemPlan {
  checkContext(context);
  const { grants, denials } = filesystemRules(policy);
  const opened = grants.map((rule) => toFloor(rule, context));
  checkGrants(opened);
  const byPath = new Map<string, FloorRule>();
  for (const rule of opened) {
    const other = byPath.get(rule.path);
    byPath.set(rule.path, other === undefined ? rule : merge(other, rule));
  }
  return {
    grants: [...byPath.values()].sort(byName).map((rule) => toGrant(rule, context)),
    denials: denials
      .filter(({ path }) => isLiteral(path))
      .map(({ path, id }) => ({ path: unescapeGlob(absolutePattern(path, context)), ruleId: id }))
      .sort((a, b) => byName(a, b) || (a.ruleId < b.ruleId ? -1 : 1)),
    ...pathTable(policy, context),
    finer: isFiner(policy),
  };
}

/**
 * The grants of the floor for a workspace that is mounted live: one for the whole workspace, with the widest access that
 * a rule gives in it, and those outside. What is finer is for the rules, for the host may rename what is in it.
 */
export function liveGrants({ grants }: FilesystemPlan): FilesystemGrant[] {
  const inside = grants.filter(({ inWorkspace }) => inWorkspace);
  const widest = inside.find(({ access }) => access === "write") ?? inside[0];
  const outside = grants.filter(({ inWorkspace }) => !inWorkspace);
  if (widest === undefined) return outside;
  const { path, access, ruleId, workspaceRelative = "." } = widest;
  const workspace = workspaceRelative === "." ? path : path.slice(0, -workspaceRelative.length - 1);
  const whole = { path: workspace, access, ruleId, optional: false, inWorkspace: true, workspaceRelative: "." };
  return [...outside, whole].sort(byName);
}

/** Whether a rule says what directories and files as a whole, opened for good, do not. */
function isFiner({ filesystem }: NormalizedPolicy): boolean {
  const { read, write, deny, ask, unmatched } = filesystem;
  const finer = ({ path, defer }: (typeof read)[number]): boolean => !isLiteral(path) || defer !== undefined;
  return deny.length > 0 || ask.length > 0 || unmatched === "ask" || [...read, ...write].some(finer);
}

/** A rule as the floor takes it: its path is absolute and no glob. */
interface FloorRule extends FilesystemRule {
  readonly floorOnly: boolean;
}

function toFloor(rule: FilesystemRule, context: FilesystemContext): FloorRule {
  const path = literalPrefix(rule.path, context);
  // Whoever is asked cannot allow what nobody can: there it is reading that they may allow.
  const readOnly = (rule.source === "ask" || rule.source === "unmatched") && grantProblem(path, "write") !== undefined;
  const floorOnly = rule.source === "unmatched" && path === "/";
  return { ...rule, path, access: readOnly ? "read" : rule.access, floorOnly };
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
function checkGrants(rules: readonly FloorRule[]): void {
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

function merge(a: FloorRule, b: FloorRule): FloorRule {
  const winner = compare(a, b) <= 0 ? a : b;
  return { ...winner, optional: a.optional && b.optional, floorOnly: a.floorOnly && b.floorOnly };
}

/** Widest access first, then rules of the policy, then by id. */
function compare(a: FloorRule, b: FloorRule): number {
  if (a.access !== b.access) return RANK[b.access] - RANK[a.access];
  if (a.source !== b.source) return VOICE[a.source] - VOICE[b.source];
  return a.id < b.id ? -1 : 1;
}

/** By code units, so that a directory comes before what is in it. */
function byName(a: { readonly path: string }, b: { readonly path: string }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}

function toGrant(rule: FloorRule, { workspace }: FilesystemContext): FilesystemGrant {
  const { id, path, access, optional, floorOnly } = rule;
  const grant = { path, access, optional, ruleId: id, ...(floorOnly ? { floorOnly } : {}) };
  if (!isWithin(path, workspace)) return { ...grant, inWorkspace: false };
  return { ...grant, inWorkspace: true, workspaceRelative: path.slice(workspace.length + 1) || "." };
}
