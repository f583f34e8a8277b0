/**
 * `cofferdam recipe list`.
 *
 * @module
 */
import { builtInRecipes } from "../../mod.ts";
import { styleOf } from "../style.ts";
import { say, sayJson, table } from "../write.ts";

/** Prints the recipes that are built in. */
export async function listRecipes({ json }: { readonly json?: boolean }): Promise<void> {
  const recipes = await builtInRecipes();
  const facts = recipes.map(({ name, version, kind, description }) => ({ name, version, kind, description }));
  if (json) return sayJson(facts);
  const style = styleOf(process.stdout);
  const rows = facts.map(({ name, kind, description }) => [style("bold", name), style("dim", kind), description]);
  for (const line of table(rows)) say(line);
}
