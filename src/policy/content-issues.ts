/**
 * Rules on content that look at more than one field. They walk data that may be malformed elsewhere.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "./issues.ts";

type MapLike = Readonly<Record<string, unknown>>;

/** Everything that stands against the content of HTTP rules. */
export function contentIssues(data: unknown): IssueDraft[] {
  return (["allow", "deny", "ask"] as const).flatMap((list) => {
    return entries(at(data, "network", list)).flatMap(([index, entry]) => {
      return entries(at(entry, "http", "rules")).flatMap(([number, rule]) => {
        return isMap(rule) ? ruleIssues(rule, ["network", list, index, "http", "rules", number]) : [];
      });
    });
  });
}

const KINDS = ["graphql", "jsonrpc", "mcp", "messages"] as const;

/** What a rule on gRPC says already, or cannot hold. */
const BESIDE_GRPC = ["methods", "paths", "query", "websocket", ...KINDS] as const;

function ruleIssues(rule: MapLike, path: DocumentPath): IssueDraft[] {
  const [kind, ...others] = KINDS.filter((each) => rule[each] !== undefined);
  const issue = (key: string, message: string): IssueDraft => ({ path: [...path, ...key.split(".")], message });
  if (rule.grpc !== undefined) {
    return BESIDE_GRPC.filter((key) => rule[key] !== undefined).map((key) => {
      return issue(key, `"grpc" says what a request is by itself: drop "${key}"`);
    });
  }
  if (kind === undefined) return [];
  const { graphql, mcp, messages, websocket } = rule;
  return [
    ...others.map((other) => issue(other, `a rule is about one kind of content: "${kind}" is given`)),
    ...when(kind === "messages" && websocket !== true, issue("messages", 'only WebSockets have them: add "websocket"')),
    ...when(kind !== "messages" && websocket === true, issue(kind, 'a WebSocket has "messages": drop one of the two')),
    ...when(
      isMap(graphql) && graphql.persisted !== undefined && (graphql.operations ?? graphql.fields) !== undefined,
      issue("graphql.persisted", 'a document that is not sent cannot be looked into: drop "operations" and "fields"'),
    ),
    ...when(
      isMap(mcp) && mcp.direction === "from-host" && (mcp.tools ?? mcp.arguments) !== undefined,
      issue("mcp.direction", 'a host calls no tools: drop "tools" and "arguments"'),
    ),
    ...entries(messages).flatMap(([index, message]) => {
      const isBinary = isMap(message) && message.kind === "binary";
      const about = isBinary ? ["text", "json", "jsonrpc"].find((key) => message[key] !== undefined) : undefined;
      if (about === undefined) return [];
      return [{ path: [...path, "messages", index, about], message: `a binary message has no "${about}"` }];
    }),
  ];
}

function when(holds: boolean, issue: IssueDraft): IssueDraft[] {
  return holds ? [issue] : [];
}

function entries(list: unknown): [number, unknown][] {
  return Array.isArray(list) ? [...list.entries()] : [];
}

function at(data: unknown, ...path: string[]): unknown {
  let value = data;
  for (const part of path) value = isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

function isMap(value: unknown): value is MapLike {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
