/**
 * Where parts of a policy contradict each other.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { canonicalJson } from "../digest.ts";
import { quote } from "../issues.ts";
import type { NormalizedRoute } from "../normalized.ts";
import { bodyOf, type PartEntry } from "./entries.ts";
import { targetOf } from "./inference-widenings.ts";

/** One thing, the two parts that speak of it, and what each says. `name`: what it is called in the message. */
export interface Contradiction {
  readonly path: string;
  readonly name: string;
  readonly parts: readonly [first: string, second: string];
  readonly values: readonly [first: unknown, second: unknown];
  readonly hint: string;
}

/** The error that says so. */
export function conflict({ path, name, parts, values, hint }: Contradiction): SandboxError<"POLICY_CONFLICT"> {
  const [first, second] = values.map(shown);
  const message = `Cannot compose ${quote(parts[0])} and ${quote(parts[1])}: ${name} is ${first} in the one, and ${second} in the other`;
  return new SandboxError("POLICY_CONFLICT", message, { details: { path, parts, values }, hint });
}

/** @throws {SandboxError} POLICY_CONFLICT If one id stands for two rules. */
export function assertDistinctIds(entries: readonly PartEntry[]): void {
  const meaning = (entry: PartEntry) => canonicalJson([entry.list, bodyOf(entry)]);
  assertAgreement(
    entries.filter(({ id }) => id !== undefined),
    ({ id }) => id ?? "",
    meaning,
    ({ id }) => ({ name: `the rule ${id}`, hint: `Call one of the two rules otherwise than ${id}` }),
  );
}

/**
 * Of rules that ask about the same, only the first one's decider would be asked.
 *
 * @throws {SandboxError} POLICY_CONFLICT If they do not leave it to the same.
 */
export function assertDeciders(entries: readonly PartEntry[]): void {
  const deciding = entries.filter(({ list, normalized }) => list.endsWith(".ask") || normalized.defer !== undefined);
  assertAgreement(
    deciding,
    (entry) => {
      const { defer: _, optional: __, ...body } = bodyOf(entry);
      return canonicalJson([entry.list, body]);
    },
    ({ normalized }) => canonicalJson(normalized.defer ?? null),
    ({ normalized }) => ({
      name: `who decides on ${normalized.id}`,
      hint: "Let both leave it to one hook, or to the approver",
    }),
  );
}

/** @throws {SandboxError} POLICY_CONFLICT If calls to the same models go to two places. */
export function assertRoutes(entries: readonly PartEntry[]): void {
  const target = ({ normalized }: PartEntry) => targetOf(normalized as unknown as NormalizedRoute);
  assertAgreement(
    entries,
    ({ normalized }) => canonicalJson(normalized.models),
    target,
    ({ normalized }) => ({
      name: `where calls to ${(normalized.models as readonly string[]).join(", ")} go`,
      hint: "Let one of the two parts leave the route out",
    }),
  );
}

/** @throws {SandboxError} POLICY_CONFLICT If two parts give one secret away in more ways than to more hosts. */
export function assertSameSecret(first: PartEntry, second: PartEntry): void {
  const said = (entry: PartEntry): string => {
    const { hosts: _, ...rest } = bodyOf(entry);
    return canonicalJson(rest);
  };
  if (said(first) === said(second)) return;
  throw conflict({
    path: `credentials[${first.index}]`,
    name: `the credential ${String(first.normalized.name)}`,
    parts: [first.part.name, second.part.name],
    values: [first.written, second.written],
    hint: "Say the same in both; only hosts add up",
  });
}

type Words = Pick<Contradiction, "name" | "hint">;

/** Entries of different parts with one key must have one meaning. */
function assertAgreement(
  entries: readonly PartEntry[],
  keyOf: (entry: PartEntry) => string,
  meaningOf: (entry: PartEntry) => string,
  wordsOf: (entry: PartEntry) => Words,
): void {
  const seen = new Map<string, PartEntry>();
  for (const entry of entries) {
    const first = seen.get(keyOf(entry));
    if (first === undefined) seen.set(keyOf(entry), entry);
    else if (first.part !== entry.part && meaningOf(first) !== meaningOf(entry)) {
      throw conflict({
        path: `${first.list}[${first.index}]`,
        parts: [first.part.name, entry.part.name],
        values: [first.written, entry.written],
        ...wordsOf(entry),
      });
    }
  }
}

const SHOWN_MAX = 120;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 3)}...` : text;
}
