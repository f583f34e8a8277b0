/**
 * The recipes that Cofferdam brings along.
 *
 * @module
 */
import type { Recipe } from "../src/mod.ts";
import { ciDocs } from "./ci-docs.ts";

export { ciDocs };

/** All of them. */
export const recipes: readonly Recipe[] = [ciDocs];
