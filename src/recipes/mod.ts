/**
 * Recipes: policies with parameters, that people share.
 *
 * @module
 */

export type { ClaimRuntime } from "./claims/results.ts";
export {
  type ClaimResult,
  type RecipeTestResult,
  type TestRecipeOptions,
  testRecipe,
} from "./claims/test-recipe.ts";
export type * from "./claims/types.ts";
export { combineRecipes } from "./combine.ts";
export { defineRecipe, isRecipe } from "./define.ts";
export { dockerfileOf } from "./dockerfile.ts";
export { builtInRecipes, type LoadRecipeOptions, loadRecipe } from "./load.ts";
export {
  assertLockedBuild,
  type BuildFacts,
  EMPTY_LOCK,
  LOCK_NAME,
  type LockedBuild,
  type LockedRecipe,
  lockBuild,
  type RecipeLock,
  readRecipeLock,
  writeRecipeLock,
} from "./lock.ts";
export { param } from "./param.ts";
export { describeParams, type RecipeParam } from "./params.ts";
export { loadPlugins } from "./plugins.ts";
export { registryHost, withRegistries } from "./registries.ts";
export { templateFiles } from "./template.ts";
export { parseParams, parseParamsText } from "./typed-params.ts";
export type * from "./types.ts";
