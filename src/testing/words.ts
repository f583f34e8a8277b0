/**
 * What a failed assertion says: what was looked for, and what came nearest. What sandboxes have named is escaped.
 *
 * @module
 */
import { distance } from "fastest-levenshtein";
import { type DecisionRecord, displaySafe } from "../audit/mod.ts";
import { pathPatterns } from "../hooks/mod.ts";
import { type DecisionFilter, decidersOf, domainsOf, matchesFilter, objectsOf } from "./filter.ts";

const NEAREST_MAX = 5;
const COMPARED_LENGTH_MAX = 200;

/** A decision in one line, without what differs from run to run: no times, ids or process numbers. */
export function decisionLine(record: DecisionRecord): string {
  const { verdict, operation, object, ruleId, argv, reason, count = 1 } = record;
  const by = decidersOf(record).join(" ");
  const rule = ruleId === undefined ? "no rule" : `rule ${ruleId}`;
  const words = argv === undefined ? "" : ` [${argv.join(" ")}]`;
  const times = count > 1 ? ` ×${count}` : "";
  return displaySafe(`${verdict} ${operation} ${object}${words} (${rule}, by ${by}: ${reason})${times}`);
}

/** The decisions that came nearest: those that are meant but have another verdict, then those with the most alike. */
export function nearMisses(records: readonly DecisionRecord[], filter: DecisionFilter): readonly string[] {
  const domains = domainsOf(filter);
  const ranked = records
    .filter(({ domain }) => domains.includes(domain))
    .map((record) => ({ record, far: matchesFilter(filter, record) ? -1 : farness(record, filter) }))
    .sort((a, b) => a.far - b.far);
  return [...new Set(ranked.map(({ record }) => decisionLine(record)))].slice(0, NEAREST_MAX);
}

/** A filter as it is written. */
export function filterText(filter: object): string {
  const parts = Object.entries(filter).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `{ ${parts.join(", ")} }`;
}

/** A sentence with what came nearest below it. */
export function explain(sentence: string, records: readonly DecisionRecord[], filter: DecisionFilter): string {
  const near = nearMisses(records, filter);
  if (near.length === 0) return `${sentence}\nNothing of the kind was recorded.`;
  return `${sentence}\nNearest of ${records.length} recorded:\n${near.map((line) => `  ${line}`).join("\n")}`;
}

function farness(record: DecisionRecord, { file, program, args = [] }: DecisionFilter): number {
  const named = file === undefined ? (program ?? "") : (pathPatterns([file])[0] ?? "");
  const wanted = [named, ...args].join(" ");
  const found = objectsOf(record).map(
    (object) => (record.argv === undefined ? object : record.argv.join(" ")) || object,
  );
  return Math.min(...found.map((text) => distance(tail(wanted), tail(text))));
}

/** The end of a path says most. */
function tail(text: string): string {
  return text.slice(-COMPARED_LENGTH_MAX);
}
