/**
 * Remembers where in a text a policy came from, so that a later refusal can still name line and column. Only frozen
 * values are remembered: they cannot change under their origin.
 *
 * @module
 */

import type { Locate } from "./issues.ts";
import type { NormalizedPolicy } from "./normalized.ts";
import type { Policy } from "./types.ts";

/** Where a policy came from. Both are absent for a policy that was written in TypeScript. */
export interface Origin {
  readonly source?: string;
  readonly locate?: Locate;
}

const origins = new WeakMap<Policy | NormalizedPolicy, Origin>();

/** Freezes a policy, all of it, and remembers its origin. */
export function rememberOrigin<P extends Policy | NormalizedPolicy>(policy: P, origin: Origin): P {
  deepFreeze(policy);
  origins.set(policy, origin);
  return policy;
}

/** The origin of a value that {@link rememberOrigin} was given; undefined for any other. */
export function originOf(policy: Policy | NormalizedPolicy): Origin | undefined {
  return origins.get(policy);
}

function deepFreeze(value: object): void {
  if (Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) {
    if (typeof child === "object" && child !== null) deepFreeze(child);
  }
}
