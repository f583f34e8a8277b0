/**
 * Which dialect speaks an endpoint to a provider of a family.
 *
 * @module
 */
import type { ApiFamily } from "../providers/kinds.ts";
import { type Dialect, type Endpoint, FAMILY } from "./dialect.ts";
import { passThrough } from "./pass-through.ts";

/** Finds it. Undefined: the family has nothing like it. */
export function dialectFor(endpoint: Endpoint, family: ApiFamily): Dialect | undefined {
  return FAMILY[endpoint] === family ? passThrough(endpoint) : undefined;
}
