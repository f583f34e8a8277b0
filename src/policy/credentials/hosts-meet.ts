/**
 * Whether two patterns of hosts may mean one host: never wrongly no.
 *
 * @module
 */
import { compileGlob, isLiteral } from "../glob.ts";

/** Says it. */
export function hostsMayMeet(a: string, b: string): boolean {
  return meet(a.split("."), b.split("."));
}

function meet(a: readonly string[], b: readonly string[]): boolean {
  const [first, ...others] = a;
  const [second, ...rest] = b;
  if (first === "**") return meet(others, b) || (b.length > 0 && meet(a, rest));
  if (second === "**") return meet(b, a);
  if (first === undefined || second === undefined) return first === second;
  return labelsMeet(first, second) && meet(others, rest);
}

function labelsMeet(a: string, b: string): boolean {
  if (isLiteral(a)) return compileGlob(b, ".")(a);
  return isLiteral(b) ? compileGlob(a, ".")(b) : true;
}
