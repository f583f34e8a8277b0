/**
 * What stands against a recipe, its parameters or the place that it should come from.
 *
 * @module
 */
import { type PolicyIssue, SandboxError } from "../errors.ts";
import { type IssueDraft, placeIssues } from "../policy/issues.ts";

/** The recipe itself is no good. */
export function invalidRecipe(recipe: string, reason: string, cause?: unknown): SandboxError<"RECIPE_INVALID"> {
  return new SandboxError("RECIPE_INVALID", `Cannot use the recipe ${JSON.stringify(recipe)}: ${reason}`, {
    details: { recipe, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Its output is no good. */
export function invalidOutput(recipe: string, drafts: readonly IssueDraft[]): SandboxError<"RECIPE_INVALID"> {
  return invalidRecipe(recipe, `what it gives is refused${listed(placeIssues(drafts, undefined))}`);
}

/** Somebody gave it parameters that are no good. */
export function invalidParams(
  recipe: string,
  drafts: readonly IssueDraft[],
  hint?: string,
): SandboxError<"RECIPE_PARAMS_INVALID"> {
  const issues = placeIssues(drafts, undefined);
  return new SandboxError(
    "RECIPE_PARAMS_INVALID",
    `Cannot build the recipe ${JSON.stringify(recipe)} with these parameters${listed(issues)}`,
    {
      details: { recipe, issues },
      hint: hint ?? `cofferdam recipe show ${recipe} lists its parameters`,
    },
  );
}

const LISTED = 20;

function listed(issues: readonly PolicyIssue[]): string {
  const lines = issues.slice(0, LISTED).map(({ path, message }) => `\n  ${path === "" ? "" : `${path}: `}${message}`);
  if (issues.length > LISTED) lines.push(`\n  and ${issues.length - LISTED} more`);
  return lines.join("");
}
