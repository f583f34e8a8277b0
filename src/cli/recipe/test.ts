/**
 * `cofferdam recipe test`.
 *
 * @module
 */
import { displaySafe, loadRecipe, type RecipeTestResult, testRecipe } from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failure.ts";
import { styleOf } from "../style.ts";
import { say, sayJson } from "../write.ts";

/** Tries what recipes claim; the exit code says whether it holds. */
export async function tryRecipes(
  references: readonly string[],
  { runtime, json }: { readonly runtime: "local" | "memory"; readonly json?: boolean },
): Promise<number> {
  const loaded = [];
  for (const reference of references) loaded.push(await loadRecipe(reference));
  const silent = loaded.find(({ recipe }) => recipe.tests.length === 0);
  if (silent !== undefined) throw new UsageError(`The recipe ${JSON.stringify(silent.reference)} claims nothing`);
  const results = await testRecipe(
    loaded.map(({ recipe }) => recipe),
    { runtime },
  );
  if (json) sayJson(results);
  else for (const result of results) tell(result);
  return results.every(({ holds }) => holds) ? EXIT.ok : EXIT.problem;
}

function tell({ recipe, version, params, runtime, claims }: RecipeTestResult): void {
  const style = styleOf(process.stdout);
  say(`${style("bold", recipe)} ${version} ${style("dim", `${displaySafe(JSON.stringify(params))} on ${runtime}`)}`);
  for (const { claim, holds, because } of claims) {
    const mark = holds ? style("green", "ok") : style("red", "no");
    say(`  ${mark} ${displaySafe(claim)} ${style("dim", `(${displaySafe(because)})`)}`);
  }
}
