/**
 * The policies that are put together, and who said what in them.
 *
 * Where a rule came from is kept beside the policy and never in it: it changes neither document nor digest, and ends with the
 * object. A policy that went through YAML is told its parts again (`explain`).
 *
 * @module
 */

import { normalizePolicy } from "../normalize.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import { parsePolicy } from "../parse.ts";
import type { Policy } from "../types.ts";

/** A policy with a name. */
export interface Part {
  readonly name: string;
  readonly policy: Policy;
  readonly normalized: NormalizedPolicy;
}

/** Reads policies, as objects or as text. What has no name is called by its place. */
export function readParts(
  inputs: readonly (Policy | string)[],
  nameOf = (index: number) => `part ${index + 1}`,
): Part[] {
  return inputs.map((input, index) => {
    const name = nameOf(index);
    const policy = parsePolicy(input, typeof input === "string" ? { source: name } : {});
    return { name: policy.name ?? name, policy, normalized: normalizePolicy(policy) };
  });
}

/** For each id of a rule, the names of the parts that it came from. */
export type Sources = ReadonlyMap<string, readonly string[]>;

const known = new WeakMap<Policy, Sources>();

/** Remembers where the rules of a policy came from. */
export function rememberSources(policy: Policy, sources: Sources): Policy {
  known.set(policy, sources);
  return policy;
}

/** The parts that a rule of a part came from: the part itself, or those that it was put together from. */
export function sourcesOf({ name, policy }: Part, id: string): readonly string[] {
  return known.get(policy)?.get(id) ?? [name];
}

/** Where the rules of a policy came from; undefined: nobody knows any more. */
export function knownSources(policy: Policy): Sources | undefined {
  return known.get(policy);
}

/** Names, each once, in their order. */
export function distinctNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
