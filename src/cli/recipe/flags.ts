/**
 * The options of whatever builds a recipe, as they were typed.
 *
 * @module
 */

/** Which recipe, with what. */
export interface RecipeFlags {
  readonly recipe?: string;
  /** Services that are added. */
  readonly with?: readonly string[];
  /** `name=value`, or `service.name=value`. */
  readonly param?: readonly string[];
  /** A file of YAML or JSON. */
  readonly params?: string;
  /** Whether the lockfile is written. */
  readonly lock?: boolean;
}
