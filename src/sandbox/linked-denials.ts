/**
 * Denials of links in the workspace.
 *
 * A path that is denied may be a symlink on the host, and what it leads to may be granted by its own name. A copy of the
 * workspace need not have the link, so the warden could not know: the host follows it.
 *
 * @module
 */
import { realpathSync } from "node:fs";
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import { escapeGlob, isLiteral, isWithin, unescapeGlob, WORKSPACE_PATH } from "../policy/core.ts";

/** The plan, with every denial in the workspace repeated for what it really names. */
export function withLinkedDenials(plan: FilesystemPlan, workspace: string | undefined): FilesystemPlan {
  if (workspace === undefined) return plan;
  const linked = plan.rules.flatMap((rule) => {
    if (rule.verdict !== "deny") return [];
    const pattern = realPattern(rule.pattern, workspace);
    return pattern === undefined || pattern === rule.pattern ? [] : [{ ...rule, pattern }];
  });
  return linked.length === 0 ? plan : { ...plan, rules: [...plan.rules, ...linked] };
}

function realPattern(pattern: string, workspace: string): string | undefined {
  const components = pattern.split("/");
  const star = components.findIndex((component) => !isLiteral(component));
  const literal = unescapeGlob((star < 0 ? components : components.slice(0, star)).join("/"));
  if (!isWithin(literal, WORKSPACE_PATH)) return undefined;
  const real = realPath(workspace + literal.slice(WORKSPACE_PATH.length));
  if (real === undefined || !isWithin(real, workspace)) return undefined;
  const inside = escapeGlob(WORKSPACE_PATH + real.slice(workspace.length));
  return star < 0 ? inside : [inside, ...components.slice(star)].join("/");
}

/** Undefined: it does not exist. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
