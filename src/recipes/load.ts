/**
 * From how somebody calls a recipe to the recipe.
 *
 * @module
 */
import { adoptRecipe, isRecipe } from "./define.ts";
import { BUILT_IN_URL, locateRecipe, unavailable } from "./locate.ts";
import { assertLockedSource, type RecipeLock } from "./lock.ts";
import { invalidRecipe } from "./problems.ts";
import type { LoadedRecipe, Recipe } from "./types.ts";

/** Options of {@link loadRecipe}. */
export interface LoadRecipeOptions {
  /** What packages and paths are looked for from. @default the current directory */
  readonly folder?: string;
  /** Held before any code of the recipe runs. */
  readonly lock?: RecipeLock;
  /**
   * Whether a name alone calls what is built in and nothing else, so that a package is `npm:name`. For names that a person types in
   * a folder that others have filled: its `node_modules` may have a package for every slip of the fingers. @default false
   */
  readonly builtInNames?: boolean;
}

/** The recipes that Cofferdam brings along. */
export async function builtInRecipes(): Promise<readonly Recipe[]> {
  const { recipes } = (await import(BUILT_IN_URL)) as { readonly recipes: readonly Recipe[] };
  return recipes;
}

/**
 * Loads a recipe: one that is built in, by its name; of an installed package; or of a file. Nothing is fetched, and no program is
 * started. A module of a package or file runs in this process, as any import does.
 *
 * Shape: `name`, `package`, `package/entry`, `./file.js`, `./folder`, each with `#recipe` where a module has several; `npm:name` is a
 * package that is called like a built-in one.
 *
 * @throws {SandboxError} RECIPE_UNAVAILABLE If there is none, or it cannot be loaded.
 * @throws {SandboxError} RECIPE_CHANGED If a lock says otherwise of its code; nothing of it has run then.
 * @throws {SandboxError} RECIPE_INVALID If it is malformed.
 *
 * @example
 * ```ts
 * import { createSandbox, loadRecipe } from "cofferdam";
 *
 * const { recipe } = await loadRecipe("ci-docs");
 * const { policy } = recipe.build({ docs: "./docs" });
 * await using sandbox = await createSandbox(policy, { workspace: "." });
 * ```
 */
export async function loadRecipe(reference: string, options: LoadRecipeOptions = {}): Promise<LoadedRecipe> {
  const { folder = process.cwd(), lock, builtInNames = false } = options;
  const builtIn = await builtInRecipes();
  const names = builtIn.map(({ name }) => name);
  const place = await locateRecipe(reference, { folder, builtIn: names, builtInNames });
  if (lock !== undefined) assertLockedSource(lock, place);
  const { origin, digest, url } = place;
  const recipes = origin === "built-in" ? builtIn : await recipesOf(reference, url);
  const recipe = choose(reference, recipes, place.name);
  return { reference, origin, url, recipe: adoptRecipe(recipe), sourceDigest: digest };
}

async function recipesOf(reference: string, url: string): Promise<readonly Recipe[]> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const isTyped = (cause as NodeJS.ErrnoException).code === "ERR_UNKNOWN_FILE_EXTENSION";
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    const hint = isTyped
      ? "This Node does not run TypeScript: compile it, or use Node 22.18 and later, Deno or Bun"
      : "Its own code failed while it was loaded";
    throw unavailable(reference, reason, hint, cause);
  }
  const first = module.default;
  if (isRecipe(first)) return [first, ...recipesIn(module).filter((each) => each !== first)];
  return recipesIn(module);
}

function recipesIn(module: Readonly<Record<string, unknown>>): Recipe[] {
  const all = Object.values(module).flatMap((value): unknown[] => (Array.isArray(value) ? value : [value]));
  return [...new Set(all)].filter(isRecipe);
}

function choose(reference: string, recipes: readonly Recipe[], name: string | undefined): Recipe {
  const [first, second] = recipes;
  if (first === undefined) {
    throw invalidRecipe(reference, "the module exports no recipe: export what defineRecipe gives, as default");
  }
  if (name === undefined) {
    if (second === undefined) return first;
    const names = recipes.map((each) => `${reference}#${each.name}`).join(", ");
    throw unavailable(reference, "the module has several recipes", `Choose one: ${names}`);
  }
  const named = recipes.find((each) => each.name === name);
  if (named !== undefined) return named;
  throw unavailable(
    reference,
    `there is no recipe ${JSON.stringify(name)} in it`,
    `It has ${recipes.map((each) => each.name).join(", ")}`,
  );
}
