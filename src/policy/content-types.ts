/**
 * Rules on what requests and messages say, as a person writes them.
 *
 * @module
 */

/** Which way a message goes: from the program to the host, or from the host to the program. */
export type MessageDirection = "to-host" | "from-host";

/**
 * GraphQL requests over HTTP, by GET or POST. Each root field of each operation is judged by itself: it is meant if it matches
 * every key that is given.
 *
 * Fields are those of the schema, whatever they are renamed to, also inside fragments.
 */
export interface GraphqlRule {
  /** @default all three */
  readonly operations?: readonly ("query" | "mutation" | "subscription")[];
  /** Globs of the names that operations have. One without a name matches none. @default any, and none */
  readonly names?: readonly string[];
  /** Globs of root fields. @default any */
  readonly fields?: readonly string[];
  /**
   * SHA-256 hashes of documents, hexadecimal: these documents and no others, sent as they are or by their hash alone
   * (persisted queries). It stands alone or with `names`: what is not sent cannot be looked into.
   */
  readonly persisted?: readonly string[];
}

/** A value that is compared as it is. */
export type ValueScalar = string | number | boolean | null;

/**
 * What a value in JSON must be. A text is a glob of strings; `in` has exact values; `min` and `max` are bounds of numbers, both
 * included.
 */
export type ValueCondition =
  | ValueScalar
  | { readonly in: readonly ValueScalar[] }
  | { readonly min?: number; readonly max?: number };

/**
 * Conditions by path: names of members separated by dots, `*` for every member or element. All must hold, and what they name
 * must be there; in a denial, one value that matches is enough for a path.
 */
export type ValueConditions = Readonly<Record<string, ValueCondition>>;

/** JSON-RPC 2.0 messages over HTTP: requests and notifications. Each of a batch is judged by itself. Answers need no rule. */
export interface JsonRpcRule {
  /** Globs of methods; `/` separates segments. @default any */
  readonly methods?: readonly string[];
  /** Conditions on `params`; positions of an array are numbers. @default any */
  readonly params?: ValueConditions;
  /** Whose messages: those that the program posts, or those that the host sends in its answers. @default {"to-host"} */
  readonly direction?: MessageDirection;
}

/**
 * The Model Context Protocol over Streamable HTTP, or HTTP with SSE: its JSON-RPC messages, and the GET and DELETE that
 * belong to them.
 *
 * A rule that allows the program's messages lets the host's `ping` and `notifications/**` through as well.
 *
 * Source: Model Context Protocol 2025-06-18, "Transports" and "Tools".
 */
export interface McpRule {
  /**
   * Globs of methods.
   *
   * @default any; with `tools` or `arguments`: `initialize`, `ping`, `notifications/**`, `logging/setLevel`, `tools/list` and
   * `tools/call`; in a denial with them `tools/call` alone
   */
  readonly methods?: readonly string[];
  /** Globs of the tools that `tools/call` names. Lists of tools show only these. @default any */
  readonly tools?: readonly string[];
  /** Conditions on the arguments of `tools/call`. @default any */
  readonly arguments?: ValueConditions;
  /** Whose messages. `tools` and `arguments` are about the program's. @default {"to-host"} */
  readonly direction?: MessageDirection;
}

/** Messages on a WebSocket. A message is meant if it matches every key that is given. */
export interface MessageRule {
  /** @default both */
  readonly direction?: MessageDirection;
  /** Binary messages match no other key than these two. @default both */
  readonly kind?: "text" | "binary";
  /** Globs of the whole text; `/` separates segments. */
  readonly text?: readonly string[];
  /** Conditions on a text that is JSON. */
  readonly json?: ValueConditions;
  /** A text that is JSON-RPC 2.0, with one of these methods. Answers match as well. */
  readonly jsonrpc?: Pick<JsonRpcRule, "methods" | "params">;
}

/** What of a request's content a rule can be about: at most one of these. */
export interface ContentRules {
  /** GraphQL. @default any content */
  readonly graphql?: GraphqlRule;
  /** JSON-RPC. @default any content */
  readonly jsonrpc?: JsonRpcRule;
  /** The Model Context Protocol. @default any content */
  readonly mcp?: McpRule;
  /** Only with `websocket`: which messages are meant. @default all */
  readonly messages?: readonly MessageRule[];
}
