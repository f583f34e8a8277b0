/**
 * From the options of a command to a recipe that is built, and held to the lockfile.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  assertLockedBuild,
  type BuildFacts,
  type BuiltRecipe,
  combineRecipes,
  EMPTY_LOCK,
  LOCK_NAME,
  type LoadedRecipe,
  loadRecipe,
  lockBuild,
  parseParams,
  parseParamsText,
  type RecipeLock,
  readRecipeLock,
  withRegistries,
  writeRecipeLock,
} from "../../mod.ts";
import { UsageError } from "../failure.ts";
import type { RecipeFlags } from "./flags.ts";

/** What came of it. */
export interface FlagsBuild {
  readonly built: BuiltRecipe;
  readonly facts: readonly BuildFacts[];
}

/** Builds the recipe of a command, with its services. */
export async function buildFromFlags(flags: RecipeFlags): Promise<FlagsBuild> {
  if (flags.recipe === undefined) throw new UsageError("--with and --param need a --recipe");
  const lock = await readRecipeLock(lockPath());
  const held = flags.lock ? undefined : lock;
  const loaded: LoadedRecipe[] = [];
  for (const reference of [flags.recipe, ...(flags.with ?? [])]) loaded.push(await loadNamed(reference, held));
  const given = await paramsOf(loaded, flags);
  const facts: BuildFacts[] = [];
  for (const [index, each] of loaded.entries()) {
    const params = await withRegistries(each.recipe, given[index] ?? {});
    facts.push({ loaded: each, params, built: each.recipe.build(params) });
  }
  if (held !== undefined) for (const fact of facts) assertLockedBuild(held, fact);
  if (flags.lock) await writeRecipeLock(lockPath(), facts.reduce<RecipeLock>(lockBuild, lock ?? EMPTY_LOCK));
  const [first, ...others] = facts.map(({ built }) => built);
  if (first === undefined) throw new TypeError("there is one recipe");
  return { built: combineRecipes(first, ...others), facts };
}

function lockPath(): string {
  return join(process.cwd(), LOCK_NAME);
}

/** The lockfile that the code of recipes is held to before it runs; undefined: none. */
export async function heldLock({ lock }: Pick<RecipeFlags, "lock">): Promise<RecipeLock | undefined> {
  return lock ? undefined : await readRecipeLock(lockPath());
}

/** Loads one that a person named. */
export function loadNamed(reference: string, lock: RecipeLock | undefined): Promise<LoadedRecipe> {
  return loadRecipe(reference, { builtInNames: true, ...(lock === undefined ? {} : { lock }) });
}

const PARAMS_BYTES_MAX = 2 ** 20;

/** The parameters of each: those of a service stand behind its name. */
async function paramsOf(
  loaded: readonly LoadedRecipe[],
  { param: pairs = [], params: file }: RecipeFlags,
): Promise<readonly Record<string, unknown>[]> {
  const [main, ...services] = loaded;
  if (main === undefined) return [];
  const written = file === undefined ? {} : parseParamsText(main.recipe, await textOf(file));
  const names = new Set(services.map(({ recipe }) => recipe.name));
  const serviceOf = (pair: string): string | undefined => {
    const [, service = ""] = /^([a-z0-9-]+)\.[^=]*=/.exec(pair) ?? [];
    return names.has(service) ? service : undefined;
  };
  return loaded.map(({ recipe }, index) => {
    const own = index === 0 ? pairs.filter((pair) => serviceOf(pair) === undefined) : [];
    const named = index === 0 ? [] : pairs.filter((pair) => serviceOf(pair) === recipe.name);
    const typed = parseParams(recipe, [...own, ...named.map((pair) => pair.slice(recipe.name.length + 1))]);
    const fromFile = index === 0 ? without(written, names) : written[recipe.name];
    return { ...(typeof fromFile === "object" ? fromFile : {}), ...typed };
  });
}

function without(params: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.has(name)));
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > PARAMS_BYTES_MAX) throw new Error(`it has more than ${PARAMS_BYTES_MAX} bytes`);
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`Cannot read the parameters ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}
