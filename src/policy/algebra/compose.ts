/**
 * One policy from several: what any of them grants, without what any of them denies.
 *
 * @module
 */
import { canonicalJson } from "../digest.ts";
import type { Policy } from "../types.ts";
import { assertDeciders, assertDistinctIds, assertRoutes, assertSameSecret, conflict } from "./conflicts.ts";
import {
  at,
  type Draft,
  finishDraft,
  LISTS,
  type ListName,
  RECORDS,
  type RecordName,
  type Sourced,
  VALUES,
  type ValueName,
  valueKey,
} from "./draft.ts";
import { entriesOf, keyOf, type PartEntry } from "./entries.ts";
import { holdLocks } from "./locks.ts";
import { distinctNames, type Part, readParts, sourcesOf } from "./parts.ts";
import { withOwnRanges } from "./private-ranges.ts";

/**
 * Puts policies together: grants, denials and asks add up, and as everywhere deny beats ask beats allow.
 *
 * Shape: a policy that is checked and frozen, plain data that YAML can hold; lists in the order of the parts, equal entries
 * once. A part that does not give a value or a `process.allow` has no say in it. Private ranges of a part hold for its own
 * rules only. The names of the parts are the name of the whole, if it is no longer than a name may be.
 *
 * Parts are policies, or their text in YAML or JSON. `explain` names the part that each rule came from.
 *
 * @throws {SandboxError} POLICY_INVALID If a part is malformed.
 * @throws {SandboxError} POLICY_CONFLICT If two parts give one value differently, give one id to different rules, or let
 * different hooks or approvers decide on the same.
 * @throws {SandboxError} POLICY_LOCKED If a part would widen a section that another has locked.
 *
 * @example
 * ```ts
 * import { compose, createSandbox } from "cofferdam";
 *
 * const base = { version: 1, name: "base", filesystem: { read: ["."], deny: ["**\/.env"] } } as const;
 * const github = { version: 1, name: "github", network: { allow: [{ host: "api.github.com" }] } } as const;
 * await using sandbox = await createSandbox(compose(base, github));
 * ```
 */
export function compose(...parts: readonly (Policy | string)[]): Policy {
  const read = readParts(parts);
  const sharing = withOwnRanges(read);
  const draft: Draft = {
    name: nameOf(read),
    lists: new Map(),
    values: new Map(),
    locked: read.flatMap(({ policy }) => policy.locked ?? []),
  };
  for (const list of LISTS) {
    if (list === "credentials") uniteCredentials(draft, sharing);
    else unite(draft, list, sharing);
  }
  for (const value of VALUES) agree(draft, value, read);
  for (const record of RECORDS) uniteRecord(draft, record, read);
  const entries = LISTS.flatMap((list) => entriesOf(list, sharing));
  assertDistinctIds(entries);
  assertDeciders(entries);
  assertRoutes(entriesOf("inference.routes", sharing));
  const policy = finishDraft(draft);
  holdLocks(read, policy);
  return policy;
}

function unite(draft: Draft, list: ListName, parts: readonly Part[]): void {
  const united = new Map<string, Sourced<unknown>>();
  for (const entry of entriesOf(list, parts)) {
    const key = keyOf(entry);
    const from = [...(united.get(key)?.from ?? []), ...sourcesOf(entry.part, entry.normalized.id)];
    united.set(key, { value: united.get(key)?.value ?? entry.written, from: distinctNames(from) });
  }
  const isGiven = parts.some(({ policy }) => at(policy, list) !== undefined);
  if (isGiven) draft.lists.set(list, [...united.values()]);
}

/** A secret has one entry, with all hosts that it may be sent to. */
function uniteCredentials(draft: Draft, parts: readonly Part[]): void {
  const united = new Map<string, { readonly first: PartEntry; readonly all: readonly PartEntry[] }>();
  for (const entry of entriesOf("credentials", parts)) {
    const { id } = entry.normalized;
    const known = united.get(id) ?? { first: entry, all: [] };
    united.set(id, { ...known, all: [...known.all, entry] });
    assertSameSecret(known.first, entry);
  }
  const credentials = [...united.values()].map(({ first, all }): Sourced<unknown> => {
    const hosts = all.flatMap(({ normalized }) => (normalized.hosts ?? []) as readonly string[]);
    const from = distinctNames(all.flatMap(({ part, normalized }) => sourcesOf(part, normalized.id)));
    const isOne = all.every((entry) => keyOf(entry) === keyOf(first));
    return { value: isOne ? first.written : { ...(first.written as object), hosts: [...new Set(hosts)] }, from };
  });
  if (credentials.length > 0) draft.lists.set("credentials", credentials);
}

/** Parts may add names, and say the same of one. */
function uniteRecord(draft: Draft, place: RecordName, parts: readonly Part[]): void {
  const united = new Map<string, { readonly part: Part; readonly value: unknown }>();
  const giving = parts.filter(({ policy }) => at(policy, place) !== undefined);
  for (const part of giving) {
    for (const [name, value] of Object.entries(at(part.policy, place) as Readonly<Record<string, unknown>>)) {
      const first = united.get(name) ?? { part, value };
      united.set(name, first);
      if (canonicalJson(first.value) === canonicalJson(value)) continue;
      throw contradiction(`${place}.${name}`, first.part, part, [first.value, value]);
    }
  }
  if (united.size === 0) return;
  const value = Object.fromEntries([...united].map(([name, { value }]) => [name, value]));
  const from = giving.flatMap((part) => sourcesOf(part, valueKey(place)));
  draft.values.set(place, { value, from: distinctNames(from) });
}

function contradiction(
  place: string,
  first: Part,
  second: Part,
  values: readonly [unknown, unknown],
  path = place,
): Error {
  const hint = `Let one of them leave ${place} out, or say the same in both`;
  return conflict({ path, name: place, parts: [first.name, second.name], values, hint });
}

function agree(draft: Draft, place: ValueName, parts: readonly Part[]): void {
  let first: { readonly part: Part; readonly key: string; readonly value: unknown } | undefined;
  for (const part of parts) {
    const [key, value] = givenValue(part, place);
    if (value === undefined) continue;
    first ??= { part, key, value };
    if (meantValue(first.part, first.key) !== meantValue(part, key)) {
      throw contradiction(place, first.part, part, [first.value, value], first.key);
    }
    const from = draft.values.get(first.key)?.from ?? [];
    draft.values.set(first.key, {
      value: first.value,
      from: distinctNames([...from, ...sourcesOf(part, valueKey(key))]),
    });
  }
}

const OTHER_SPELLING: Readonly<Record<string, string>> = {
  "process.limits.memory": "process.limits.memoryBytes",
  "process.limits.timeout": "process.limits.timeoutMs",
};

function givenValue({ policy }: Part, place: ValueName): readonly [key: string, value: unknown] {
  const value = at(policy, place);
  const other = OTHER_SPELLING[place];
  return value !== undefined || other === undefined ? [place, value] : [other, at(policy, other)];
}

/** A size or a duration as a number; anything else as it is given. */
function meantValue({ policy, normalized }: Part, key: string): unknown {
  const number = OTHER_SPELLING[key];
  return number === undefined ? at(policy, key) : at(normalized, number);
}

const NAME_MAX = 128;

function nameOf(parts: readonly Part[]): string | undefined {
  const names = distinctNames(parts.flatMap(({ policy }) => policy.name ?? []));
  const name = names.join(" + ");
  return name === "" || name.length > NAME_MAX ? undefined : name;
}
