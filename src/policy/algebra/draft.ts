/**
 * A policy that is being put together: entries and values by their places, each with the parts that it came from.
 *
 * @module
 */

import { checkPolicy } from "../check.ts";
import { normalizePolicy } from "../normalize.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import type { Policy, PolicySectionName } from "../types.ts";
import { rememberSources } from "./parts.ts";

/** The lists of a policy. */
export const LISTS = [
  "filesystem.read",
  "filesystem.write",
  "filesystem.deny",
  "filesystem.ask",
  "process.allow",
  "process.deny",
  "process.ask",
  "network.allow",
  "network.deny",
  "network.ask",
  "network.privateRanges",
  "inference.routes",
  "inference.intercept",
  "inference.privacy",
  "credentials",
] as const;

/** One of them. */
export type ListName = (typeof LISTS)[number];

/** The single values of a policy. Limits have two spellings, and this is the first. */
export const VALUES = [
  "filesystem.baseline",
  "filesystem.unmatched",
  "process.unmatched",
  "process.limits.memory",
  "process.limits.cpus",
  "process.limits.pids",
  "process.limits.timeout",
  "process.limits.mode",
  "network.unmatched",
  "inference.budget.tokens",
  "inference.budget.usd",
  "inference.budget.callsPerMinute",
  "inference.localOnly",
  "inference.unmatched",
  "audit.files",
  "audit.inference",
] as const;

/** One of them. */
export type ValueName = (typeof VALUES)[number];

/** The maps of a policy whose keys are names that its author chose. */
export const RECORDS = ["inference.providers", "inference.budget.providers"] as const;

/** One of them. */
export type RecordName = (typeof RECORDS)[number];

/** Something, and the parts that it came from. */
export interface Sourced<T> {
  readonly value: T;
  readonly from: readonly string[];
}

/** The policy so far. */
export interface Draft {
  readonly name: string | undefined;
  readonly lists: Map<ListName, readonly Sourced<unknown>[]>;
  /** By key: `process.limits.memoryBytes` as well as `process.limits.memory`. */
  readonly values: Map<string, Sourced<unknown>>;
  readonly locked: readonly PolicySectionName[];
}

/** In the order in which people write them. */
const SECTIONS = ["filesystem", "process", "network", "inference", "credentials", "audit"] as const;

/** A policy that is checked and frozen, and whose rules know where they came from. */
export function finishDraft({ name, lists, values, locked }: Draft): Policy {
  const document: Record<string, unknown> = { version: 1, ...(name === undefined ? {} : { name }) };
  // An empty list of programs is not the same as none.
  const filled = [...lists].filter(([place, entries]) => entries.length > 0 || place === "process.allow");
  const places: readonly (readonly [place: string, value: unknown])[] = [
    ...filled.map(([place, entries]) => [place, entries.map(({ value }) => value)] as const),
    ...[...values].map(([place, { value }]) => [place, value] as const),
  ];
  for (const section of SECTIONS) {
    for (const [place, value] of places) if (place.split(".")[0] === section) put(document, place, value);
  }
  if (locked.length > 0) document.locked = [...new Set(locked)];
  const policy = checkPolicy(document as unknown as Policy);
  const normalized = normalizePolicy(policy);
  const sources = new Map([...values].map(([place, { from }]) => [valueKey(place), from]));
  for (const [place, entries] of lists) {
    for (const [index, { id }] of normalizedEntries(normalized, place).entries()) {
      sources.set(id, entries[index]?.from ?? []);
    }
  }
  return rememberSources(policy, sources);
}

/** What stands for a value among the ids of rules: no rule is called so. */
export function valueKey(place: string): string {
  return `value:${place}`;
}

/** The entries of a list as they are meant; ranges and hosts have themselves as ids. */
export function normalizedEntries(
  policy: NormalizedPolicy,
  list: ListName,
): readonly (Readonly<Record<string, unknown>> & { readonly id: string })[] {
  const entries = at(policy, list);
  if (!Array.isArray(entries)) return [];
  return entries.map((entry: unknown) => {
    return typeof entry === "string" ? { id: `${list}:${entry}` } : (entry as { readonly id: string });
  });
}

/** The value at a place of a policy. */
export function at(policy: object, place: string): unknown {
  let value: unknown = policy;
  for (const key of place.split(".")) {
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

function put(document: Record<string, unknown>, place: string, value: unknown): void {
  const keys = place.split(".");
  const last = keys.pop() ?? "";
  let map = document;
  for (const key of keys) {
    const next = (map[key] ?? {}) as Record<string, unknown>;
    map[key] = next;
    map = next;
  }
  map[last] = value;
}
