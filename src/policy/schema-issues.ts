/**
 * From what zod says to what a person can act on.
 *
 * @module
 */

import * as z from "zod";
import { type DocumentPath, type IssueDraft, quote } from "./issues.ts";
import { nearestKey } from "./nearest.ts";
import { policySchema } from "./schema.ts";

type ZodIssue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;
type JsonSchema = z.core.JSONSchema.JSONSchema;

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
  const known = knownKeys(parent);
  const nearest = nearestKey(key, known);
  const help = nearest === undefined ? `known keys are ${known.join(", ")}` : `did you mean ${quote(nearest)}?`;
  return {
    path: [...parent, key],
    message: `unknown key ${quote(key)}: ${help}`,
    target: "key",
    ...(nearest === undefined ? {} : { nearest }),
  };
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
function wording(issue: RawIssue): string | undefined {
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

let jsonSchema: JsonSchema | undefined;

/** The keys that may stand in the map at a place, read off the schema itself. */
function knownKeys(path: DocumentPath): string[] {
  jsonSchema ??= z.toJSONSchema(policySchema, { io: "input" });
  let nodes: JsonSchema[] = [jsonSchema];
  for (const part of path) nodes = nodes.flatMap(branches).flatMap((node) => child(node, part));
  return [...new Set(nodes.flatMap(branches).flatMap((node) => Object.keys(node.properties ?? {})))];
}

function branches(node: JsonSchema): JsonSchema[] {
  return [node, ...(node.anyOf ?? []).filter(isSchema).flatMap(branches)];
}

function child(node: JsonSchema, part: string | number): JsonSchema[] {
  const next = typeof part === "number" ? node.items : node.properties?.[part];
  return isSchema(next) ? [next] : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
