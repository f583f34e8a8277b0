/**
 * `cofferdam recipe test`.
 *
 * @module
 */
import { type ClaimRuntime, displaySafe, type RecipeTestResult, testRecipe } from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failure.ts";
import { styleOf } from "../style.ts";
import { say, sayJson } from "../write.ts";
import { heldLock, loadNamed } from "./build.ts";

/** Tries what recipes claim; the exit code says whether it holds. */
export async function tryRecipes(
  references: readonly string[],
  { runtime, from, json }: { readonly runtime: ClaimRuntime; readonly from?: string; readonly json?: boolean },
): Promise<number> {
  const lock = await heldLock({});
  const loaded = [];
  // What is being written is not in a lockfile yet.
  for (const reference of references) {
    const isLocked = lock !== undefined && Object.hasOwn(lock.recipes, reference);
    loaded.push(await loadNamed(reference, isLocked ? lock : undefined));
  }
  const silent = loaded.find(({ recipe }) => recipe.tests.length === 0);
  if (silent !== undefined) throw new UsageError(`The recipe ${JSON.stringify(silent.reference)} claims nothing`);
  if (from !== undefined && runtime !== "docker") throw new UsageError("--from needs --runtime docker");
  const image = from === undefined ? {} : { image: await imageNamed(from) };
  const results = await testRecipe(
    loaded.map(({ recipe }) => recipe),
    { runtime, ...image },
  );
  if (json) sayJson(results);
  else for (const result of results) tell(result);
  return results.every(({ holds }) => holds) ? EXIT.ok : EXIT.problem;
}

async function imageNamed(from: string): Promise<string> {
  const { imageFrom } = await import("../image/from.ts");
  const { image } = await imageFrom(from, { runtime: "docker", signal: new AbortController().signal });
  if (image === undefined) throw new UsageError(`"${from}" is no image that the engine has or builds`);
  return image;
}

function tell({ recipe, version, params, runtime, claims }: RecipeTestResult): void {
  const style = styleOf(process.stdout);
  say(`${style("bold", recipe)} ${version} ${style("dim", `${displaySafe(JSON.stringify(params))} on ${runtime}`)}`);
  for (const { claim, holds, because } of claims) {
    const mark = holds ? style("green", "ok") : style("red", "no");
    say(`  ${mark} ${displaySafe(claim)} ${style("dim", `(${displaySafe(because)})`)}`);
  }
}
