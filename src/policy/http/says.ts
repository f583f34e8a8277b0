/**
 * What rules say about content: about one thing that a request says, or about one message.
 *
 * @module
 */
import type { ContentRules, MessageDirection, MessageRule } from "../content-types.ts";
import { compileGlob, type GlobMatcher } from "../glob.ts";
import type { Content, Spoken } from "./content.ts";
import { type CompiledGraphql, compileGraphql, type GraphqlField } from "./graphql-rule.ts";
import { type ContentProblem, readJson } from "./json.ts";
import { type CompiledRpc, compileJsonRpc, compileMcp, type RpcMessage, readRpc } from "./rpc.ts";
import { compileValues, type ValueMatcher } from "./values.ts";

/** A message on a WebSocket. */
export interface SocketMessage {
  readonly direction: MessageDirection;
  readonly kind: "text" | "binary";
  /** Absent: it is binary, and no UTF-8 either. */
  readonly text: string | undefined;
}

/** One thing that is judged. Without an item, a problem or `nothing`, it is a request whose content no rule is about. */
export type Said =
  | { readonly language: "graphql"; readonly item: GraphqlField | "nothing" | ContentProblem }
  | { readonly language: "rpc"; readonly item: RpcMessage | "nothing" | ContentProblem }
  | { readonly language: "message"; readonly item: SocketMessage }
  | { readonly language: "handshake" }
  | { readonly language: "unread" };

/** A message that comes after its request was judged. */
export type Message =
  | { readonly language: "rpc"; readonly item: RpcMessage }
  | { readonly language: "message"; readonly item: SocketMessage };

/** What a request says, each to be judged by itself. */
export interface SaidInAll {
  readonly items: readonly Said[];
  /** Languages that it cannot be read in, beside one that it can: only what restricts looks at them. */
  readonly problems: readonly Said[];
}

/** Content is judged more than once, and what was found out about what it says belongs to that. */
const known = new WeakMap<Content, SaidInAll>();

/** Takes the content of a request apart. */
export function saidIn(content: Content): SaidInAll {
  const found = known.get(content) ?? takeApart(content);
  known.set(content, found);
  return found;
}

function takeApart(content: Content): SaidInAll {
  const said = [...spread("graphql", content.graphql), ...spread("rpc", content.rpc)] as Said[];
  const problems = said.filter((each) => "item" in each && each.item !== "nothing" && "problem" in each.item);
  const items = said.filter((each) => !problems.includes(each));
  return items.length > 0 ? { items, problems } : { items: problems, problems: [] };
}

function spread<T>(language: "graphql" | "rpc", spoken: Spoken<T> | undefined): unknown[] {
  if (spoken === undefined) return [];
  const items = Array.isArray(spoken) ? (spoken as readonly T[]) : [spoken];
  return items.map((item) => ({ language, item }));
}

/** Whether something is a message that comes after its request was judged. */
export function isLater(said: Said): boolean {
  if (said.language === "message") return true;
  return (
    said.language === "rpc" &&
    said.item !== "nothing" &&
    "direction" in said.item &&
    said.item.direction === "from-host"
  );
}

/** The content of a rule, compiled. */
export type CompiledContent =
  | { readonly language: "graphql"; readonly rule: CompiledGraphql }
  | { readonly language: "rpc"; readonly rule: CompiledRpc }
  | { readonly language: "message"; readonly rules: readonly CompiledMessage[] };

/** Compiles it; undefined: the rule is about any content. */
export function compileContent({ graphql, jsonrpc, mcp, messages }: ContentRules): CompiledContent | undefined {
  if (graphql !== undefined) return { language: "graphql", rule: compileGraphql(graphql) };
  if (jsonrpc !== undefined) return { language: "rpc", rule: compileJsonRpc(jsonrpc) };
  if (mcp !== undefined) return { language: "rpc", rule: compileMcp(mcp) };
  if (messages !== undefined) return { language: "message", rules: messages.map(compileMessage) };
  return undefined;
}

/** Whether a rule that allows means it. `method` is that of the request. */
export function isAllowed(content: CompiledContent, said: Said, method: string): boolean {
  switch (content.language) {
    case "graphql":
      return said.language === "graphql" && isItem(said.item) && content.rule.allows(said.item);
    case "rpc":
      if (said.language !== "rpc") return false;
      // The stream of an MCP server, and the end of a session.
      if (said.item === "nothing") return content.rule.isMcp && (method === "GET" || method === "DELETE");
      return isItem(said.item) && content.rule.allows(said.item);
    case "message":
      if (said.language === "handshake") return true;
      return said.language === "message" && content.rules.some((rule) => rule.allows(said.item));
  }
}

/** Of each thing that is said, what rules say to it: the same for each reading of the path. */
const restrictions = new WeakMap<Said, Map<CompiledContent, boolean | "unclear">>();

/** Whether a rule that denies or asks means it, or may mean it: it is read as leniently as any server could. */
export function isRestricted(content: CompiledContent, said: Said): boolean | "unclear" {
  const known = restrictions.get(said) ?? new Map<CompiledContent, boolean | "unclear">();
  restrictions.set(said, known);
  const found = known.get(content) ?? findRestricted(content, said);
  known.set(content, found);
  return found;
}

function findRestricted(content: CompiledContent, said: Said): boolean | "unclear" {
  const isEarly = !isLater(said);
  // It restricts what comes after the request.
  if (
    isEarly &&
    (content.language === "message" || (content.language === "rpc" && content.rule.direction === "from-host"))
  ) {
    return false;
  }
  if (said.language === "unread") return "unclear";
  if (said.language === "handshake" || content.language !== said.language) return false;
  if (content.language === "message") {
    const { item } = said as Extract<Said, { language: "message" }>;
    return some(content.rules.map((rule) => rule.denies(item)));
  }
  const { item } = said as Extract<Said, { language: "graphql" | "rpc" }>;
  if (item === "nothing") return false;
  if ("problem" in item) return "unclear";
  return content.language === "graphql"
    ? content.rule.denies(item as GraphqlField)
    : content.rule.denies(item as RpcMessage);
}

function isItem<T extends object>(item: T | "nothing" | ContentProblem): item is T {
  return item !== "nothing" && !("problem" in item);
}

function some(answers: readonly (boolean | "unclear")[]): boolean | "unclear" {
  return answers.includes(true) || (answers.includes("unclear") && "unclear");
}

interface CompiledMessage {
  allows(message: SocketMessage): boolean;
  denies(message: SocketMessage): boolean | "unclear";
}

function compileMessage({ direction, kind, text, json, jsonrpc }: MessageRule): CompiledMessage {
  const inText = text && anyOf(text);
  const values = json && compileValues(json);
  const rpc = jsonrpc && compileJsonRpc(jsonrpc);
  const aboutText = inText !== undefined || values !== undefined || rpc !== undefined;
  const fits = (message: SocketMessage): boolean => {
    return (direction ?? message.direction) === message.direction && (kind ?? message.kind) === message.kind;
  };
  return {
    allows: (message) => {
      if (!fits(message)) return false;
      if (!aboutText) return true;
      if (message.kind !== "text" || message.text === undefined || inText?.(message.text) === false) return false;
      return isJsonMeant(message.text, values, rpc, "every") === true;
    },
    denies: (message) => {
      if (!fits(message)) return false;
      if (!aboutText) return true;
      // A server may take a binary message for the text that it is.
      if (message.text === undefined) return "unclear";
      return inText?.(message.text) === false ? false : isJsonMeant(message.text, values, rpc, "some");
    },
  };
}

function isJsonMeant(
  text: string,
  values: ValueMatcher | undefined,
  rpc: CompiledRpc | undefined,
  check: keyof ValueMatcher,
): boolean | "unclear" {
  if (values === undefined && rpc === undefined) return true;
  const json = readJson(text);
  if ("problem" in json) return "unclear";
  if (values !== undefined && !values[check](json.value)) return false;
  if (rpc === undefined) return true;
  // Either side may call on a WebSocket: which way it goes is the message's to say.
  const messages = readRpc(json.value, "to-host");
  if ("problem" in messages) return "unclear";
  return check === "every" ? messages.every(rpc.allows) : messages.some(rpc.denies);
}

function anyOf(globs: readonly string[]): GlobMatcher {
  const matchers = globs.map((glob) => compileGlob(glob));
  return (text) => matchers.some((matches) => matches(text));
}
