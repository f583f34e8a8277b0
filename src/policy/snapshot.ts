/**
 * Copies a policy that was written in TypeScript into plain data, so that what was checked is what is used.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "./issues.ts";

/** The deepest nesting. A policy needs 8. The composer recurses, so this must be held before it starts. */
export const MAX_DEPTH: number = 32;

/** The most values of one policy, what aliases repeat included. */
const MAX_VALUES = 100_000;

/**
 * A copy made of plain objects, arrays and scalars. Keys whose value is `undefined` are dropped, as TypeScript means
 * them. What is no data (a class instance, a map, something that contains itself) becomes an issue.
 */
export function snapshot(value: unknown, issues: IssueDraft[]): unknown {
  let values = 0;
  const copy = (value: unknown, path: DocumentPath): unknown => {
    if (++values === MAX_VALUES) issues.push({ path: [], message: `a policy has at most ${MAX_VALUES} values` });
    if (typeof value !== "object" || value === null || values >= MAX_VALUES) return value;
    if (path.length > MAX_DEPTH) {
      issues.push({ path: path.slice(0, 4), message: `a policy nests at most ${MAX_DEPTH} levels` });
      return undefined;
    }
    if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index]));
    if (!isPlain(value)) {
      issues.push({ path, message: `expected plain data, found an instance of ${className(value)}` });
      return undefined;
    }
    if (Object.hasOwn(value, "__proto__")) {
      // zod passes over this key in a record, and a condition that is passed over would widen its rule.
      issues.push({ path: [...path, "__proto__"], message: 'unknown key "__proto__"', target: "key" });
    }
    const entries = Object.entries(value).filter(([, child]) => child !== undefined);
    return Object.fromEntries(entries.map(([key, child]) => [key, copy(child, [...path, key])]));
  };
  return copy(value, []);
}

/** Whether an object is one that a literal makes, in any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function className(value: object): string {
  return value.constructor?.name || "a class";
}
