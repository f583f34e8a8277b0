/**
 * The entries of a policy that two others have in common, while they are being found.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { canonicalJson } from "../digest.ts";
import type { Draft, ListName, Sourced } from "./draft.ts";
import { TooManyGlobs } from "./meet-globs.ts";
import { distinctNames, type Part, sourcesOf } from "./parts.ts";

/** A rule of one of the two policies. */
export interface RuleOf {
  readonly part: Part;
  readonly ruleId: string;
}

/** An entry, and the rules that it follows from. */
export interface Emission {
  readonly list: ListName;
  /** Without its id. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly rules: readonly RuleOf[];
}

/**
 * What two rules have in common.
 *
 * @throws {SandboxError} POLICY_INEXPRESSIBLE If that is too much to be written down.
 */
export function meeting<T>(a: RuleOf, b: RuleOf, meet: () => T): T {
  try {
    return meet();
  } catch (error) {
    if (!(error instanceof TooManyGlobs)) throw error;
    const reason = "their globs overlap in too many ways";
    throw new SandboxError(
      "POLICY_INEXPRESSIBLE",
      `Cannot restrict ${a.ruleId} of ${a.part.name} by ${b.ruleId} of ${b.part.name}: ${reason}`,
      { details: { rules: [a.ruleId, b.ruleId], reason }, hint: "Write one of the two with fewer stars" },
    );
  }
}

/** Puts entries into their lists: equal ones once. A rule keeps its id; where it became several, they are counted. */
export function putEmissions(draft: Draft, emissions: readonly Emission[]): void {
  const taken = new Set<string>();
  const united = new Map<string, Emission>();
  for (const emission of emissions) {
    const key = canonicalJson([emission.list, emission.body]);
    const known = united.get(key);
    united.set(key, known === undefined ? emission : { ...known, rules: [...known.rules, ...emission.rules] });
  }
  const lists = new Map<ListName, Sourced<unknown>[]>();
  for (const { list, body, rules } of united.values()) {
    const given = rules.map(({ ruleId }) => ruleId).find((id) => !id.includes(":"));
    const id = given === undefined ? {} : { id: freeId(given, taken) };
    const from = distinctNames(rules.flatMap(({ part, ruleId }) => sourcesOf(part, ruleId)));
    lists.set(list, [...(lists.get(list) ?? []), { value: shortest({ ...id, ...body }), from }]);
  }
  for (const [list, entries] of lists) draft.lists.set(list, entries);
}

const ID_MAX = 128;

function freeId(wanted: string, taken: Set<string>): string {
  let id = wanted;
  for (let count = 2; taken.has(id); count++) id = `${wanted.slice(0, ID_MAX - 6)}.${count}`;
  taken.add(id);
  return id;
}

/** A path or a program that stands alone is a text. */
function shortest(entry: Readonly<Record<string, unknown>>): unknown {
  const [[key, value] = [], ...more] = Object.entries(entry);
  return more.length === 0 && (key === "path" || key === "binary") ? value : entry;
}
