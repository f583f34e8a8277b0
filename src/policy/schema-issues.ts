/**
 * From what zod says to what a person can act on.
 *
 * @module
 */

import type * as z from "zod";
import { type DocumentPath, type IssueDraft, quote } from "./issues.ts";
import { policySchema } from "./schema.ts";
import { unknownKeyIn } from "./unknown-key.ts";

type ZodIssue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

/** Holds data to the schema and collects everything that stands against it. */
export function checkSchema(data: unknown): { readonly value: z.infer<typeof policySchema> } | IssueDraft[] {
  const result = policySchema.safeParse(data, { error: wording });
  return result.success ? { value: result.data } : result.error.issues.flatMap((issue) => toDrafts(issue, []));
}

function toDrafts(issue: ZodIssue, prefix: DocumentPath): IssueDraft[] {
  const parts = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const path: DocumentPath = [...prefix, ...parts];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === "invalid_union") {
    // The branch whose type is right says what is wrong; where none is, all say what they expect.
    const fitting = issue.errors.filter((branch) => !branch.some(isWrongType));
    const [branch] = fitting;
    if (branch !== undefined) return branch.flatMap((inner) => toDrafts(inner, path));
    const wanted = issue.errors.flatMap((inner) => inner.filter(isWrongType).map((it) => expectation(it)));
    const found = issue.errors[0]?.find(isWrongType)?.message.replace(/^.*, found /, "") ?? "something else";
    return [{ path, message: `expected ${[...new Set(wanted)].join(" or ")}, found ${found}` }];
  }
  return [{ path, message: issue.message }];
}

function unknownKey(parent: DocumentPath, key: string): IssueDraft {
  const { message, nearest } = unknownKeyIn(policySchema, parent, key);
  return { path: [...parent, key], message, target: "key", ...(nearest === undefined ? {} : { nearest }) };
}

/** Whether an issue of a union's branch says that the value as a whole is of another type. */
function isWrongType(issue: ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function expectation(issue: ZodIssue): string {
  return issue.message.replace(/^expected /, "").replace(/, found .*$/, "");
}

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a map",
  record: "a map",
  string: "a text",
};

/** The message of an issue, unless the schema brings its own. */
export function wording(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type": {
      const wanted = TYPES[issue.expected] ?? issue.expected;
      return issue.input === undefined
        ? `missing: expected ${wanted}`
        : `expected ${wanted}, found ${quote(issue.input)}`;
    }
    case "invalid_value": {
      const wanted = issue.values.map((value) => quote(value)).join(" or ");
      return issue.input === undefined
        ? `missing: expected ${wanted}`
        : `expected ${wanted}, found ${quote(issue.input)}`;
    }
    case "too_big":
    case "too_small": {
      const bound = issue.code === "too_big" ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      const strict = issue.code === "too_small" && issue.inclusive === false ? `more than ${issue.minimum}` : bound;
      if (!Array.isArray(issue.input)) return `expected ${strict}, found ${quote(issue.input)}`;
      return `expected ${bound} entries, found ${issue.input.length}`;
    }
    default:
      return undefined;
  }
}
