/**
 * `cofferdam recipe show`.
 *
 * @module
 */
import { stringify } from "yaml";
import { describeParams, displaySafe, dockerfileOf, type RecipeParam, SandboxError } from "../../mod.ts";
import { UsageError } from "../failure.ts";
import { styleOf } from "../style.ts";
import { say, sayJson, table } from "../write.ts";
import { buildFromFlags, type FlagsBuild, heldLock, loadNamed } from "./build.ts";
import type { RecipeFlags } from "./flags.ts";

/** Prints what a recipe is, what it takes, and what it gives where it can be built. */
export async function showRecipe(
  reference: string,
  flags: RecipeFlags & { readonly json?: boolean; readonly dockerfile?: boolean },
): Promise<void> {
  const { recipe, origin, sourceDigest } = await loadNamed(reference, await heldLock(flags));
  const params = describeParams(recipe.params);
  const made = await tryBuild({ ...flags, recipe: reference });
  if (flags.dockerfile) return showDockerfile(made);
  const { name, version, kind, description } = recipe;
  const built = made instanceof Error ? undefined : made.built;
  if (flags.json) return sayJson({ name, version, kind, description, origin, sourceDigest, params, built });
  const style = styleOf(process.stdout);
  say(`${style("bold", name)} ${version} ${style("dim", `(${kind}, ${origin})`)}`);
  say(displaySafe(description));
  for (const line of table(params.map((param) => ["  ", style("cyan", param.name), ...wordsOf(param)]))) say(line);
  say("");
  if (made instanceof Error) return say(style("dim", made.message));
  const { policy, recipes: _, digest, policyDigest, ...rest } = made.built;
  say(style("dim", `# policy ${policyDigest}, all of it ${digest}`));
  process.stdout.write(stringify({ policy, ...rest }, { aliasDuplicateObjects: false }));
}

/** What is missing is told in the place of what it gives. */
async function tryBuild(flags: RecipeFlags): Promise<FlagsBuild | Error> {
  try {
    return await buildFromFlags(flags);
  } catch (error) {
    const isAsked = (flags.param ?? []).length > 0 || flags.params !== undefined;
    if (SandboxError.is(error, "RECIPE_PARAMS_INVALID") && !isAsked) return error;
    throw error;
  }
}

function showDockerfile(made: FlagsBuild | Error): void {
  if (made instanceof Error) throw made;
  const text = made.built.image === undefined ? undefined : dockerfileOf(made.built.image);
  if (text === undefined)
    throw new UsageError("There is nothing to build: the recipe names an image that exists, or none");
  process.stdout.write(text);
}

function wordsOf({ type, required, default: fallback, choices, description = "", from }: RecipeParam): string[] {
  const usual =
    from !== undefined
      ? `that of ${from}'s configuration`
      : required
        ? "must be given"
        : fallback === undefined
          ? "none"
          : JSON.stringify(fallback);
  return [choices === undefined ? type : choices.join(" or "), displaySafe(usual), displaySafe(description)];
}
