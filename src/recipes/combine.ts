/**
 * One recipe from several: a task or an agent, and the services that are added to it.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { canonicalJson } from "../policy/digest.ts";
import { compose } from "../policy/mod.ts";
import { completed } from "./output.ts";
import type { BuiltRecipe, RecipeImage, RecipePackages } from "./types.ts";

/**
 * Puts built recipes together: their policies are composed, so what one denies stays denied and what one has locked is not widened;
 * packages, variables, volumes and plugins add up; the command is that of the first that has one; the workspace is the most
 * careful of theirs.
 *
 * Shape: a built recipe, as `build` gives it.
 *
 * @throws {SandboxError} POLICY_LOCKED If one would widen a section that another has locked.
 * @throws {SandboxError} POLICY_CONFLICT If two give one thing two values.
 * @throws {SandboxError} RECIPE_INVALID If the whole asks for what no recipe should.
 *
 * @example
 * ```ts
 * import { type BuiltRecipe, combineRecipes, createSandbox } from "cofferdam";
 *
 * async function open(agent: BuiltRecipe, github: BuiltRecipe): Promise<void> {
 *   const { policy, env } = combineRecipes(agent, github);
 *   await using sandbox = await createSandbox(policy, { workspace: ".", env });
 * }
 * ```
 */
export function combineRecipes(first: BuiltRecipe, ...others: readonly BuiltRecipe[]): BuiltRecipe {
  if (others.length === 0) return first;
  const all = [first, ...others];
  const command = all.find((each) => each.command !== undefined)?.command;
  const image = imageOf(all);
  return completed([...first.recipes, ...others.flatMap(({ recipes }) => recipes)], {
    policy: compose(...all.map(({ policy }) => policy)),
    ...(image === undefined ? {} : { image }),
    workspace: WORKSPACES.find((mode) => all.some(({ workspace }) => workspace === mode)) ?? "review",
    ...(command === undefined ? {} : { command }),
    env: united("env", all, ({ env }) => Object.entries(env)),
    volumes: Object.values(united("volumes", all, ({ volumes }) => volumes.map((each) => [each.name, each]))),
    plugins: Object.values(united("plugins", all, ({ plugins }) => plugins.map((each) => [each.name, each]))),
  });
}

/** A service says nothing of the workspace; `review` is what a recipe has that says nothing. */
const WORKSPACES = ["none", "review", "mount"] as const;

/** Everything by its name; two that differ are a conflict. */
function united<T>(
  place: string,
  all: readonly BuiltRecipe[],
  entriesOf: (recipe: BuiltRecipe) => readonly (readonly [name: string, value: T])[],
): Record<string, T> {
  const known = new Map<string, { readonly value: T; readonly recipe: BuiltRecipe }>();
  for (const recipe of all) {
    for (const [name, value] of entriesOf(recipe)) {
      const other = known.get(name);
      if (other !== undefined && canonicalJson(other.value) !== canonicalJson(value)) {
        throw conflict(`${place}.${name}`, other.recipe, recipe, [other.value, value]);
      }
      known.set(name, other ?? { value, recipe });
    }
  }
  return Object.fromEntries([...known].map(([name, { value }]) => [name, value]));
}

function imageOf(all: readonly BuiltRecipe[]): RecipeImage | undefined {
  const having = all.filter(({ image }) => image !== undefined);
  const based = having.map((recipe) => ({ recipe, base: baseOf(recipe.image) }));
  const [first] = based;
  if (first === undefined) return undefined;
  const other = based.find(({ base }) => canonicalJson(base) !== canonicalJson(first.base));
  if (other !== undefined) throw conflict("image", first.recipe, other.recipe, [first.base, other.base]);
  const packages = packagesOf(having.map(({ image }) => image?.packages ?? {}));
  return { ...first.base, ...(Object.keys(packages).length === 0 ? {} : { packages }) };
}

function baseOf({ packages: _, ...base }: RecipeImage = {}): RecipeImage {
  return base;
}

function packagesOf(all: readonly RecipePackages[]): RecipePackages {
  const lists = (["apt", "npm", "pip"] as const).map((manager) => {
    return [manager, [...new Set(all.flatMap((each) => each[manager] ?? []))]] as const;
  });
  return Object.fromEntries(lists.filter(([, names]) => names.length > 0));
}

function conflict(
  path: string,
  first: BuiltRecipe,
  second: BuiltRecipe,
  values: readonly [unknown, unknown],
): SandboxError<"POLICY_CONFLICT"> {
  const parts = [first.recipes[0].name, second.recipes[0].name] as const;
  return new SandboxError("POLICY_CONFLICT", `Cannot combine ${parts.join(" with ")}: they differ in ${path}`, {
    details: { path, parts, values },
    hint: `Let one of them leave ${path} out`,
  });
}
