/**
 * `defineRecipe`: from what an author writes to a recipe that gives the same, checked and frozen, every time.
 *
 * @module
 */

import { readOutput } from "./output.ts";
import { isObjectSchema, readParams } from "./params.ts";
import { invalidRecipe } from "./problems.ts";
import type { BuiltRecipe, Recipe, RecipeDefinition, RecipeOutput } from "./types.ts";

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const NAME_MAX = 64;
/** Semantic versions: https://semver.org, without the fine points of what comes after the numbers. */
const VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,64})?$/;

const KINDS: readonly unknown[] = ["task", "agent", "service"];

const known = new WeakSet<object>();

/**
 * Defines a recipe: a policy with parameters, and what goes with it.
 *
 * Shape: `build` is given parameters that are checked and frozen, and gives plain data. It is called twice, and must give the same
 * both times. What it gives is checked as a policy is, and more strictly: rules that let something be reached name their programs,
 * no host is a wildcard above two labels, no path is the host's own system or another's home, no variable holds a secret.
 *
 * @throws {SandboxError} RECIPE_INVALID If the definition is malformed.
 *
 * @example
 * ```ts
 * import { createSandbox, defineRecipe, param, type Recipe } from "cofferdam";
 * import { z } from "zod";
 *
 * const docsWriter: Recipe<{ readonly docs?: string }> = defineRecipe({
 *   name: "docs-writer",
 *   version: "1.0.0",
 *   description: "Reads a project, writes its documentation, and reaches nothing.",
 *   params: z.object({ docs: param.path().default("./docs") }),
 *   build: ({ docs }) => ({ policy: { version: 1, filesystem: { read: ["."], write: [docs] } } }),
 *   tests: {
 *     params: {},
 *     claims: ({ allows, denies }) => [allows.write("docs/a.md"), denies.write("src/a.ts")],
 *   },
 * });
 * await using sandbox = await createSandbox(docsWriter.build({}).policy, { workspace: "." });
 * ```
 */
export function defineRecipe<Input extends object, Params extends object>(
  definition: RecipeDefinition<Input, Params>,
): Recipe<Input> {
  checkDefinition(definition);
  const { name, version, description, kind = "task", params, tests = [] } = definition;
  const recipe: Recipe<Input> = {
    name,
    version,
    description,
    kind,
    params,
    tests: Object.freeze(Array.isArray(tests) ? [...tests] : [tests]),
    build: (input) => {
      const read = () => readParams({ name, params }, input) as Params;
      return sameTwice(name, () => readOutput({ name, version }, callBuild(definition, read())));
    },
  };
  known.add(recipe);
  return Object.freeze(recipe);
}

/** Whether a value is a recipe: made by `defineRecipe`, of this copy of the library or another one. */
export function isRecipe(value: unknown): value is Recipe {
  if (typeof value !== "object" || value === null) return false;
  if (known.has(value)) return true;
  const { name, version, description, params, build, tests } = value as Partial<Recipe>;
  const texts = [name, version, description].every((text) => typeof text === "string");
  return texts && typeof build === "function" && Array.isArray(tests) && isObjectSchema(params);
}

/** A recipe of another copy of this library, or of somebody who wrote one by hand: what it gives is checked here, too. */
export function adoptRecipe(recipe: Recipe): Recipe {
  if (known.has(recipe)) return recipe;
  const { name, version, description, kind, params, tests } = recipe;
  checkDefinition({ name, version, description, kind, params, tests, build: () => ({ policy: { version: 1 } }) });
  const build = (input: object): BuiltRecipe => {
    return sameTwice(name, () => {
      const { recipes: _, policyDigest: __, digest: ___, ...output } = recipe.build(input);
      return readOutput({ name, version }, output);
    });
  };
  const adopted: Recipe = Object.freeze({ name, version, description, kind, params, tests, build });
  known.add(adopted);
  return adopted;
}

function sameTwice(name: string, build: () => BuiltRecipe): BuiltRecipe {
  const [first, second] = [build(), build()];
  if (first.digest === second.digest) return first;
  throw invalidRecipe(name, "it is not pure: built twice with the same parameters it gave two different results");
}

function callBuild<I extends object, P extends object>(definition: RecipeDefinition<I, P>, params: P): RecipeOutput {
  let output: RecipeOutput;
  try {
    output = definition.build(params);
  } catch (cause) {
    throw invalidRecipe(definition.name, `its build failed: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  if (typeof output === "object" && output !== null && !("then" in output)) return output;
  throw invalidRecipe(definition.name, "its build must give plain data at once");
}

/** A definition before anybody has looked at it. */
type Unchecked = { readonly [Key in keyof RecipeDefinition<object, object>]?: unknown };

function checkDefinition(definition: Unchecked): void {
  const { name, version, description, kind = "task", params, build, tests } = definition;
  if (typeof name !== "string" || name.length > NAME_MAX || !NAME.test(name)) {
    throw invalidRecipe(String(name), "a name is lower-case letters and digits, with hyphens between");
  }
  if (typeof version !== "string" || !VERSION.test(version)) {
    throw invalidRecipe(name, 'a version is three numbers, as "1.0.0"');
  }
  if (typeof description !== "string" || description === "" || /\p{Cc}/u.test(description)) {
    throw invalidRecipe(name, "a description is a line of text");
  }
  if (!KINDS.includes(kind)) throw invalidRecipe(name, `there is no kind ${String(kind)}`);
  if (!isObjectSchema(params)) throw invalidRecipe(name, "its params are no object schema of zod 4");
  if (typeof build !== "function") throw invalidRecipe(name, "its build is no function");
  const all: readonly unknown[] = tests === undefined ? [] : Array.isArray(tests) ? tests : [tests];
  if (all.every((each) => typeof (each as { readonly claims?: unknown } | null)?.claims === "function")) return;
  throw invalidRecipe(name, "its tests have params and claims, which is a function");
}
