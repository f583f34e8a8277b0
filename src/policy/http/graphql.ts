/**
 * GraphQL documents: which operations they hold, and which fields of the root those ask for.
 *
 * Source: GraphQL October 2021 §2 (language), §6.1 (which operation is executed), §6.2 (root selection sets).
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  type DefinitionNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from "graphql";
import type { GraphqlField } from "./graphql-rule.ts";
import type { ContentProblem } from "./json.ts";

/** What one GraphQL request says. */
export interface GraphqlRequest {
  /** Absent: it is sent by its hash alone. */
  readonly query: string | undefined;
  /** Absent: the only one, or any. */
  readonly operationName: string | undefined;
  /** What `extensions.persistedQuery` says. */
  readonly sha256: string | undefined;
}

/** Bounds the work for one document: the introspection query of tools has some 500 tokens. */
const TOKENS_MAX = 10_000;

/** The most different root fields of a request. */
const FIELDS_MAX = 256;

/** The root fields that a request asks for, each once. */
export function readOperations(request: GraphqlRequest): readonly GraphqlField[] | ContentProblem {
  const { query, operationName, sha256 } = request;
  if (query === undefined) {
    if (sha256 === undefined) return { problem: "it has no GraphQL document" };
    return [{ operation: undefined, name: operationName, field: undefined, sha256 }];
  }
  const hash = createHash("sha256").update(query).digest("hex");
  if (sha256 !== undefined && sha256 !== hash) return { problem: "its GraphQL document is not the one of its hash" };
  const definitions = definitionsOf(query);
  if ("problem" in definitions) return definitions;
  const operations = definitions.filter(isOperation);
  const fragments = new Map(definitions.filter(isFragment).map((each) => [each.name.value, each]));
  if (operations.length + fragments.size < definitions.length) {
    return { problem: "its GraphQL document has something else than operations, or two fragments of one name" };
  }
  const meant = chosen(operations, operationName);
  if ("problem" in meant) return meant;
  const fields = new Map<string, GraphqlField>();
  for (const { operation, name, selectionSet } of meant) {
    const found = rootFields(selectionSet, fragments);
    if ("problem" in found) return found;
    for (const field of found) {
      fields.set(`${operation} ${name?.value} ${field}`, { operation, name: name?.value, field, sha256: hash });
    }
    if (fields.size > FIELDS_MAX) return { problem: `it asks for more than ${FIELDS_MAX} fields of the root` };
  }
  return [...fields.values()];
}

function definitionsOf(query: string): readonly DefinitionNode[] | ContentProblem {
  try {
    return parse(query, { maxTokens: TOKENS_MAX, noLocation: true }).definitions;
  } catch {
    // It may nest deeper than a stack, too.
    return { problem: "its GraphQL document cannot be parsed, or is too long" };
  }
}

function isOperation(definition: DefinitionNode): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION;
}

function isFragment(definition: DefinitionNode): definition is FragmentDefinitionNode {
  return definition.kind === Kind.FRAGMENT_DEFINITION;
}

/** Which operations a server may execute. */
function chosen(
  operations: readonly OperationDefinitionNode[],
  operationName: string | undefined,
): readonly OperationDefinitionNode[] | ContentProblem {
  const names = operations.map(({ name }) => name?.value);
  if (operations.length === 0) return { problem: "its GraphQL document has no operation" };
  if (new Set(names).size < names.length) return { problem: "its GraphQL document has two operations of one name" };
  if (operationName === undefined) return operations;
  const named = operations.filter(({ name }) => name?.value === operationName);
  return named.length > 0 ? named : { problem: "its GraphQL document has no operation of the name it asks for" };
}

/** Names as the schema knows them, of every branch: directives that skip one are the server's business. */
function rootFields(
  selectionSet: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): ReadonlySet<string> | ContentProblem {
  const fields = new Set<string>();
  const seen = new Set<string>();
  const open = [selectionSet];
  for (let set = open.pop(); set !== undefined; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) fields.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet);
      else if (!seen.has(selection.name.value)) {
        const fragment = fragments.get(selection.name.value);
        if (fragment === undefined) return { problem: "its GraphQL document spreads a fragment that it does not have" };
        seen.add(selection.name.value);
        open.push(fragment.selectionSet);
      }
    }
  }
  return fields;
}
