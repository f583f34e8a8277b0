/**
 * JSON-RPC messages, and what rules say about them.
 *
 * Source: JSON-RPC 2.0 §§4-6; Model Context Protocol 2025-06-18.
 *
 * @module
 */
import type { JsonRpcRule, McpRule, MessageDirection } from "../content-types.ts";
import { compileGlob, type GlobMatcher } from "../glob.ts";
import { type ContentProblem, isObject, type Json, member } from "./json.ts";
import { compileValues, type ValueMatcher } from "./values.ts";

/** One message. */
export interface RpcMessage {
  readonly direction: MessageDirection;
  readonly form: "request" | "notification" | "answer";
  /** Empty for an answer. */
  readonly method: string;
  /** Of a request: what its answer carries as well. */
  readonly id: string | number | null | undefined;
  readonly params: Json | undefined;
  /** What a call of a tool names, where it is sound. */
  readonly tool: string | undefined;
}

/** The most messages of a batch. */
const BATCH_MAX = 64;

const MEMBERS: ReadonlySet<string> = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);

/** Reads one message or a batch. */
export function readRpc(value: Json, direction: MessageDirection): readonly RpcMessage[] | ContentProblem {
  if (!Array.isArray(value)) {
    const message = readMessage(value, direction);
    return "problem" in message ? message : [message];
  }
  const batch = value as readonly Json[];
  if (batch.length === 0 || batch.length > BATCH_MAX) return { problem: `a batch has 1 to ${BATCH_MAX} messages` };
  const messages: RpcMessage[] = [];
  for (const each of batch) {
    const message = readMessage(each, direction);
    if ("problem" in message) return message;
    messages.push(message);
  }
  return messages;
}

function readMessage(value: Json, direction: MessageDirection): RpcMessage | ContentProblem {
  if (!isObject(value) || member(value, "jsonrpc") !== "2.0") return { problem: "it is not JSON-RPC 2.0" };
  // A parser that does not look at case would find another method in "Method".
  if (Object.keys(value).some((name) => !MEMBERS.has(name)))
    return { problem: "it has a member that JSON-RPC does not" };
  const [id, method, params] = [member(value, "id"), member(value, "method"), member(value, "params")];
  if (id !== undefined && id !== null && typeof id !== "string" && typeof id !== "number") {
    return { problem: "its JSON-RPC id is neither text nor number" };
  }
  const isAnswer = Object.hasOwn(value, "result") || Object.hasOwn(value, "error");
  if (isAnswer) {
    if (method !== undefined || params !== undefined) return { problem: "it is a request and an answer at once" };
    return { direction, form: "answer", method: "", id, params: undefined, tool: undefined };
  }
  if (typeof method !== "string" || !isName(method)) return { problem: "its JSON-RPC method is no name" };
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    return { problem: "its JSON-RPC params are neither a list nor an object" };
  }
  const form = id === undefined ? "notification" : "request";
  return { direction, form, method, id, params, tool: toolOf(method, params) };
}

function toolOf(method: string, params: Json | undefined): string | undefined {
  const name = method === CALL && isObject(params) ? member(params, "name") : undefined;
  return typeof name === "string" && isName(name) ? name : undefined;
}

function isName(text: string): boolean {
  return text.length > 0 && text.length <= 256 && !/[\u0000-\u001f\u007f]/.test(text);
}

const CALL = "tools/call";

/** A rule on JSON-RPC, compiled. */
export interface CompiledRpc {
  readonly direction: MessageDirection;
  readonly isMcp: boolean;
  /** For what is allowed or asked. */
  allows(message: RpcMessage): boolean;
  /** For what is denied. */
  denies(message: RpcMessage): boolean;
  /** Whether a tool may be called with some arguments. */
  knowsTool(name: string): boolean;
  /** Whether it is denied, whatever its arguments. */
  deniesTool(name: string): boolean;
}

/** Compiles `jsonrpc`. */
export function compileJsonRpc({ methods, params, direction = "to-host" }: JsonRpcRule): CompiledRpc {
  const inMethods = methods && anyOf(methods);
  const values = params && compileValues(params);
  const isMeant = (message: RpcMessage, check: keyof ValueMatcher): boolean => {
    if (message.direction !== direction || inMethods?.(message.method) === false) return false;
    return values?.[check](message.params) ?? true;
  };
  return {
    direction,
    isMcp: false,
    allows: (message) => message.form === "answer" || isMeant(message, "every"),
    denies: (message) => message.form !== "answer" && isMeant(message, "some"),
    knowsTool: () => direction === "to-host" && (inMethods?.(CALL) ?? true),
    deniesTool: () => false,
  };
}

/** What goes along with calls of tools. */
const AROUND_TOOLS = ["initialize", "ping", "notifications/**", "logging/setLevel", "tools/list", CALL];

/** What a host may say where only the program's messages are spoken of. */
const FROM_HOST = anyOf(["ping", "notifications/**"]);

/** Compiles `mcp`. */
export function compileMcp({ methods, tools, arguments: conditions, direction = "to-host" }: McpRule): CompiledRpc {
  const aboutTools = tools !== undefined || conditions !== undefined;
  const inMethods = anyOf(methods ?? (aboutTools ? AROUND_TOOLS : ["**"]));
  const inTools = tools === undefined ? () => true : anyOf(tools);
  const values = conditions && compileValues(conditions);
  const allowsCall = ({ tool, params }: RpcMessage): boolean => {
    return tool !== undefined && inTools(tool) && (values?.every(argumentsOf(params)) ?? true);
  };
  // A call whose tool cannot be read may be any.
  const deniesCall = ({ tool, params }: RpcMessage): boolean => {
    return tool === undefined || (inTools(tool) && (values?.some(argumentsOf(params)) ?? true));
  };
  return {
    direction,
    isMcp: true,
    allows: (message) => {
      if (message.form === "answer") return true;
      if (message.direction !== direction) return message.direction === "from-host" && FROM_HOST(message.method);
      return inMethods(message.method) && (message.method !== CALL || allowsCall(message));
    },
    denies: (message) => {
      if (message.form === "answer" || message.direction !== direction) return false;
      if (!aboutTools) return inMethods(message.method);
      return inMethods(message.method) && message.method === CALL && deniesCall(message);
    },
    knowsTool: (name) => direction === "to-host" && inMethods(CALL) && inTools(name),
    deniesTool: (name) => direction === "to-host" && values === undefined && inMethods(CALL) && inTools(name),
  };
}

function argumentsOf(params: Json | undefined): Json | undefined {
  return isObject(params) ? member(params, "arguments") : undefined;
}

function anyOf(globs: readonly string[]): GlobMatcher {
  const matchers = globs.map((glob) => compileGlob(glob));
  return (text) => matchers.some((matches) => matches(text));
}
