/**
 * Denials by other names that the host has for what they are about.
 *
 * A path that is denied may be a symlink on the host, and what it leads to may be granted by its own name. The sandbox need not
 * have the link (a copy, a root of granted paths only), so the warden could not know: the host follows it. And where the paths of
 * a sandbox are those of the host, a workspace has two names.
 *
 * @module
 */
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import { escapeGlob, isLiteral, isWithin, unescapeGlob, WORKSPACE_PATH } from "../policy/core.ts";

/** What the names of a sandbox stand for. */
export interface HostNames {
  /** The folder of the host that the workspace is, or was copied from; without links. */
  readonly workspace: string | undefined;
  /** Whether paths outside of the workspace are those of the host. */
  readonly isHostRoot: boolean;
}

/** As many as the kernel follows. */
const LINKS_MAX = 40;

/** The plan, with every denial repeated for the other names of what it is about. */
export function withLinkedDenials(plan: FilesystemPlan, names: HostNames): FilesystemPlan {
  const linked = plan.rules.flatMap((rule) => {
    if (rule.verdict !== "deny") return [];
    return otherPatterns(rule.pattern, names, plan).map((pattern) => ({ ...rule, pattern }));
  });
  return linked.length === 0 ? plan : { ...plan, rules: [...plan.rules, ...linked] };
}

function otherPatterns(pattern: string, names: HostNames, { grants }: FilesystemPlan): string[] {
  const components = pattern.split("/");
  const star = components.findIndex((component) => !isLiteral(component));
  const literal = unescapeGlob((star < 0 ? components : components.slice(0, star)).join("/"));
  const rest = star < 0 ? [] : components.slice(star);
  // What nothing outside of the workspace is granted for has no name there.
  const isShown = (path: string) =>
    grants.some(
      ({ inWorkspace, path: granted }) => !inWorkspace && (isWithin(path, granted) || isWithin(granted, path)),
    );
  const found = otherNames(literal, names, isShown).map((name) => [escapeGlob(name), ...rest].join("/"));
  return [...new Set(found)].filter((each) => each !== pattern);
}

function otherNames(path: string, { workspace, isHostRoot }: HostNames, isShown: (path: string) => boolean): string[] {
  const inWorkspace = isWithin(path, WORKSPACE_PATH);
  if (path === "" || path === "/" || (inWorkspace ? workspace === undefined : !isHostRoot)) return [];
  const onHost = inWorkspace ? `${workspace}${path.slice(WORKSPACE_PATH.length)}` : path;
  const real = realPath(onHost, { links: LINKS_MAX });
  return [
    ...(isHostRoot ? [onHost, real].filter(isShown) : []),
    ...(workspace !== undefined && isWithin(real, workspace) ? [WORKSPACE_PATH + real.slice(workspace.length)] : []),
  ];
}

/** What a path is really called, links followed; of what is not there, what it would be called. */
function realPath(path: string, left: { links: number }): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    if (folder === path) return path;
    const above = realPath(folder, left);
    const at = join(above, basename(path));
    const target = linkAt(at);
    if (target === undefined || left.links-- <= 0) return at;
    return realPath(target.startsWith("/") ? target : `${above}/${target}`, left);
  }
}

/** What a symlink says; undefined where there is none. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
