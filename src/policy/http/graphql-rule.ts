/**
 * What rules say about a field that a GraphQL request asks for. Without the parser, which most sandboxes never need.
 *
 * @module
 */
import type { GraphqlRule } from "../content-types.ts";
import { compileGlob } from "../glob.ts";

/** A root field of an operation. */
export interface GraphqlField {
  /** Absent, as the field is: the document is sent by its hash alone. */
  readonly operation: "query" | "mutation" | "subscription" | undefined;
  /** Of the operation. */
  readonly name: string | undefined;
  readonly field: string | undefined;
  /** Of the document, hexadecimal in lower case. */
  readonly sha256: string;
}

/** A rule on GraphQL, compiled. */
export interface CompiledGraphql {
  allows(field: GraphqlField): boolean;
  denies(field: GraphqlField): boolean;
}

/** Compiles `graphql`. */
export function compileGraphql({ operations, names, fields, persisted }: GraphqlRule): CompiledGraphql {
  const inOperations = operations && new Set<string>(operations);
  const inNames = names && anyOf(names);
  const inFields = fields && anyOf(fields);
  const hashes = persisted && new Set(persisted.map((hash) => hash.toLowerCase()));
  // What is not known matches where `unknown` says so.
  const isMeant = ({ operation, name, field, sha256 }: GraphqlField, unknown: boolean): boolean => {
    if (hashes !== undefined && !hashes.has(sha256)) return false;
    if (hashes === undefined && operation === undefined) return unknown && maybeNamed(name);
    if (inOperations !== undefined && !(operation === undefined ? unknown : inOperations.has(operation))) return false;
    if (inFields !== undefined && !(field === undefined ? unknown : inFields(field))) return false;
    if (inNames === undefined) return true;
    return name === undefined ? unknown && operation === undefined : inNames(name);
  };
  const maybeNamed = (name: string | undefined): boolean => name === undefined || (inNames?.(name) ?? true);
  return { allows: (field) => isMeant(field, false), denies: (field) => isMeant(field, true) };
}

function anyOf(globs: readonly string[]): (text: string) => boolean {
  const matchers = globs.map((glob) => compileGlob(glob));
  return (text) => matchers.some((matches) => matches(text));
}
