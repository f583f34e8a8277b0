/**
 * What differs between two policies, and what each difference does.
 *
 * @module
 */
import { canonicalJson } from "../digest.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import type { Policy, PolicySectionName } from "../types.ts";
import type { Widening } from "../widenings.ts";
import type { PolicyChangeEffect, PolicyChangeKind, PolicyDiff, PolicyDifference } from "./diff-types.ts";
import { at, LISTS, type ListName, RECORDS, VALUES } from "./draft.ts";
import { bodyOf, entriesOf, type PartEntry } from "./entries.ts";
import { isLive } from "./live.ts";
import { type Part, readParts } from "./parts.ts";
import { SECTION_WIDENINGS } from "./section-widenings.ts";

/**
 * Lists what differs between two policies.
 *
 * Shape: plain data; one entry for each rule or value that is new, gone or changed. Each says whether it may let something
 * happen that did not (`widening`), takes something away (`narrowing`), or makes no difference to what may happen (`neutral`), and
 * whether `sandbox.setPolicy` does it in a running sandbox. That is judged by the rules and on the safe side: some that are called
 * widening are not, and none that are called otherwise let anything new happen, all of them together included. What is written
 * differently and means the same is no difference.
 *
 * @throws {SandboxError} POLICY_INVALID If one of the two is malformed.
 *
 * @example
 * ```ts
 * import { diffPolicies } from "cofferdam";
 *
 * const before = "version: 1\nfilesystem: { read: [.] }";
 * const { effect, changes } = diffPolicies(before, `${before}\nnetwork: { allow: [{ host: api.example.com }] }`);
 * console.log(effect, changes[0]?.path, changes[0]?.live); // widening network.allow[0] true
 * ```
 */
export function diffPolicies(a: Policy | string, b: Policy | string): PolicyDiff {
  const [old, next] = readParts([a, b], (index) => (index === 0 ? "the old policy" : "the new policy"));
  if (old === undefined || next === undefined) throw new TypeError("there are two policies");
  const judge = new Judge(old.normalized, next.normalized);
  const changes = [
    ...LISTS.flatMap((list) => changedEntries(list, old, next)),
    ...changedValues(old, next),
    ...changedNames(old, next),
  ].map((change) => judge.judged(change));
  const all = [...changes, ...judge.rest()];
  const has = (effect: PolicyChangeEffect) => all.some((change) => change.effect === effect);
  const effect = has("widening") ? "widening" : has("narrowing") ? "narrowing" : "neutral";
  return { effect, live: all.every(({ live }) => live), changes: all.map(({ asks: _, ...change }) => change) };
}

type Change = Omit<PolicyDifference, "effect" | "live" | "because"> & {
  /** Whether it is a rule that asks. */
  readonly asks?: boolean;
  /** It has another id, and means the same. */
  readonly isRenamed?: boolean;
};

function changedEntries(list: ListName, old: Part, next: Part): Change[] {
  const [before, after] = [entriesOf(list, [old]), entriesOf(list, [next])];
  const [left, right] = [[...before], [...after]];
  const changes: Change[] = [];
  const pair = (isSame: (a: PartEntry, b: PartEntry) => boolean, isRenamed: boolean): void => {
    for (const entry of [...left]) {
      const other = right.find((each) => isSame(entry, each));
      if (other === undefined) continue;
      left.splice(left.indexOf(entry), 1);
      right.splice(right.indexOf(other), 1);
      if (isRenamed)
        changes.push({ ...changeOf("changed", other), before: entry.written, after: other.written, isRenamed });
    }
  };
  pair((a, b) => meaningOf(a) === meaningOf(b) && a.id === b.id, false);
  pair((a, b) => meaningOf(a) === meaningOf(b), true);
  const lists = list === "process.allow" ? listOfPrograms(old, next) : [];
  return [
    ...lists,
    ...changes,
    ...left.map((entry): Change => ({ ...changeOf("removed", entry), before: entry.written })),
    ...right.map((entry): Change => ({ ...changeOf("added", entry), after: entry.written })),
  ];
}

function meaningOf(entry: PartEntry): string {
  const body = bodyOf(entry);
  return Object.keys(body).length === 0 ? entry.normalized.id : canonicalJson(body);
}

function changeOf(kind: PolicyChangeKind, { list, index, normalized }: PartEntry): Change {
  const asks = list.endsWith(".ask") || normalized.defer !== undefined;
  const section = sectionOf(list);
  return { section, kind, path: `${list}[${index}]`, ruleId: normalized.id, ...(asks ? { asks } : {}) };
}

/** Without a list, whatever may be read may start. */
function listOfPrograms(old: Part, next: Part): Change[] {
  const [before, after] = [old.policy.process?.allow, next.policy.process?.allow];
  if ((before === undefined) === (after === undefined)) return [];
  const change = { section: "process", path: "process.allow" } as const;
  return [before === undefined ? { ...change, kind: "added", after } : { ...change, kind: "removed", before }];
}

function changedValues(old: Part, next: Part): Change[] {
  return [...VALUES, ...RECORDS].flatMap((place): Change[] => {
    const path = MEANT[place] ?? place;
    const [before, after] = [old, next].map((part) => valueAt(part, path));
    if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
    const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
    const values = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
    return [{ section: sectionOf(place), kind, path, ...values }];
  });
}

/** Where sizes and durations are numbers. */
const MEANT: Readonly<Record<string, string>> = {
  "process.limits.memory": "process.limits.memoryBytes",
  "process.limits.timeout": "process.limits.timeoutMs",
};

function valueAt({ policy, normalized }: Part, path: string): unknown {
  return path === "filesystem.baseline" ? policy.filesystem?.baseline !== false : at(normalized, path);
}

function changedNames(old: Part, next: Part): Change[] {
  return (["name", "locked"] as const).flatMap((key): Change[] => {
    const [before, after] = [old.normalized[key], next.normalized[key]];
    if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
    const kind = before === undefined ? "added" : after === undefined ? "removed" : "changed";
    const values = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
    return [{ section: "policy", kind, path: key, ...values }];
  });
}

function sectionOf(place: string): PolicySectionName {
  return place.split(".")[0] as PolicySectionName;
}

type Judged = PolicyDifference & Pick<Change, "asks">;

/** Says of each change what it does. Whatever widens belongs to a change, or is one by itself. */
class Judge {
  readonly #old: NormalizedPolicy;
  readonly #next: NormalizedPolicy;
  readonly #forth: readonly Found[];
  readonly #back: readonly Found[];
  readonly #told = new Set<Found>();

  constructor(old: NormalizedPolicy, next: NormalizedPolicy) {
    this.#old = old;
    this.#next = next;
    this.#forth = findAll(old, next);
    this.#back = findAll(next, old);
  }

  judged({ isRenamed, ...change }: Change): Judged {
    const widening = this.#forth.filter((found) => isOf(found, change, change.kind === "removed" ? "old" : "new"));
    for (const found of widening) this.#told.add(found);
    const [first] = widening;
    if (first !== undefined) return this.#entry(change, "widening", first.because);
    const narrows = this.#back.some((found) => isOf(found, change, change.kind === "removed" ? "new" : "old"));
    if (narrows) return this.#entry(change, "narrowing", "something that could happen is denied, or asked about");
    return this.#entry(change, "neutral", isRenamed ? "only its id has changed" : "what may happen stays the same");
  }

  /** What no single rule or value is to blame for. */
  rest(): readonly Judged[] {
    const left = this.#forth.filter((found) => !this.#told.has(found));
    return left.map(({ section, path, because, rule }) => {
      const change = { section, path: path.join("."), ...(rule === undefined ? {} : { ruleId: rule.id }) };
      return this.#entry({ ...change, kind: "changed" }, "widening", because);
    });
  }

  #entry(change: Omit<Change, "isRenamed">, effect: PolicyChangeEffect, because: string): Judged {
    return { ...change, effect, live: isLive(this.#old, this.#next, change, effect), because };
  }
}

type Found = Widening & { readonly section: PolicySectionName };

function findAll(old: NormalizedPolicy, next: NormalizedPolicy): readonly Found[] {
  return Object.entries(SECTION_WIDENINGS).flatMap(([name, find]) => {
    const section = name as PolicySectionName;
    return find(old, next).map((found) => ({ ...found, section }));
  });
}

/** Whether a finding is about a change; `of`: on which side of the comparison the changed rule is. */
function isOf({ section, path, rule }: Found, change: Change, of: "old" | "new"): boolean {
  if (section !== change.section) return false;
  if (rule?.id.startsWith("baseline:")) return change.path === "filesystem.baseline";
  if (rule !== undefined) return change.ruleId === rule.id && rule.of === of && change.kind !== "changed";
  const place = path.join(".");
  if (place === "process") return change.path === "process.allow";
  if (place === `${section}.ask`) return change.asks === true;
  // A range that is added opens; a host whose calls are no longer routed is reached.
  const list = change.path.replace(/\[\d+\]$/, "");
  if (list === "network.privateRanges") return place === list && of === "new";
  if (list === "inference.intercept") return place === list && of === "old";
  return (
    change.ruleId === undefined && (place === list || place.startsWith(`${list}.`) || list.startsWith(`${place}.`))
  );
}
