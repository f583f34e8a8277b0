/**
 * Tools of the Responses API as tools of chat completions, which knows only functions, and their calls back.
 *
 * @module
 */
import { CallFailure } from "../router/errors.ts";
import { type Json, type JsonObject, objectOf, objectsOf, parseJson, textOf } from "../router/json.ts";
import { CLIENT_CALLS, CLIENT_TOOLS, type ClientToolType, clientTool, isClientTool } from "./client-tools.ts";
import { freshId, given, unsayable } from "./words.ts";

/** What a function of a chat completion is to a client of the Responses API. */
export interface ToolFacts {
  /** `custom`: it takes a text. */
  readonly kind: "function" | "custom" | ClientToolType;
  readonly name: string;
  /** The group of tools that it is in. */
  readonly namespace?: string;
}

/** A call of a tool, as far as it is known. */
export interface ToolCall {
  readonly itemId: string;
  readonly callId: string;
  readonly tool: ToolFacts;
  /** As the provider writes them. */
  readonly arguments: string;
}

/** What has happened to a call of a tool. */
export type CallStatus = "in_progress" | "completed" | "incomplete";

/** What the provider would run itself. Another provider has nothing like it, so the model is not told of it. */
const PROVIDER_RUN =
  /^(?:web_search|web_search_preview|file_search|code_interpreter|image_generation|mcp|tool_search)(?:_\d{4}_\d{2}_\d{2}|_\d{8})?$/;

/** The longest name of a function. */
const NAME_MAX = 64;

const TEXT_INPUT: JsonObject = {
  type: "object",
  properties: { input: { type: "string", description: "The whole input of the tool, as a plain text" } },
  required: ["input"],
  additionalProperties: false,
};

/** The tools of one request. */
export class ResponseTools {
  /** As tools of a chat completion. */
  readonly functions: readonly JsonObject[];
  readonly #facts = new Map<string, ToolFacts>();

  /** @throws {CallFailure} If one of them cannot be said. */
  constructor({ tools, input }: JsonObject) {
    // Codex says in its input which tools there are, and may say it again.
    const added = objectsOf(input).filter(({ type }) => type === "additional_tools");
    const all = [...objectsOf(tools), ...added.flatMap((item) => objectsOf(item.tools))];
    const functions = all.flatMap((tool) => this.#read(tool, undefined));
    this.functions = [...new Map(functions.map((each) => [textOf(objectOf(each.function)?.name), each])).values()];
  }

  /** What a function is that was called by its name. */
  of(called: string): ToolFacts {
    return this.#facts.get(called) ?? { kind: "function", name: called };
  }

  #read(tool: JsonObject, namespace: string | undefined): JsonObject[] {
    const type = textOf(tool.type) ?? "";
    const name = textOf(tool.name) ?? "";
    const description = textOf(tool.description);
    if (type === "function") {
      const { parameters, strict } = tool;
      const said = { description, parameters: parameters ?? { type: "object", properties: {} } };
      return [
        this.#function({ kind: "function", name }, namespace, { ...said, strict: strict === true ? true : undefined }),
      ];
    }
    if (type === "custom") {
      const said = { description: customDescription(description, objectOf(tool.format)), parameters: TEXT_INPUT };
      return [this.#function({ kind: "custom", name }, namespace, said)];
    }
    if (isClientTool(type) && !isRemote(tool)) {
      const { description, parameters } = CLIENT_TOOLS[type];
      return [this.#function({ kind: type, name: type }, undefined, { description, parameters })];
    }
    if (type === "namespace" && namespace === undefined) {
      return objectsOf(tool.tools).flatMap((each) => this.#read(each, name));
    }
    if (PROVIDER_RUN.test(type) || isRemote(tool)) return [];
    throw unsayable(`A tool of the type ${JSON.stringify(type.slice(0, 128))}`);
  }

  #function(
    facts: ToolFacts,
    namespace: string | undefined,
    said: Readonly<Record<string, Json | undefined>>,
  ): JsonObject {
    const name = functionName(facts.name, namespace);
    if (!this.#facts.has(name)) this.#facts.set(name, { ...facts, ...(namespace === undefined ? {} : { namespace }) });
    return { type: "function", function: given({ name, ...said }) };
  }
}

/** Whether it is a shell in a container of the provider's. */
function isRemote({ type, environment }: JsonObject): boolean {
  return type === "shell" && /^container_/.test(textOf(objectOf(environment)?.type) ?? "");
}

function customDescription(description = "", format: JsonObject | undefined): string {
  const grammar = textOf(format?.definition);
  if (grammar === undefined) return description;
  return `${description}\n\nIts input must follow this grammar (${textOf(format?.syntax) ?? "lark"}):\n${grammar}`;
}

/** How a tool is called as a function. */
export function functionName(name: string, namespace: string | undefined): string {
  const whole = namespace === undefined ? name : `${namespace.replace(/_+$/, "")}__${name}`;
  return whole.slice(0, NAME_MAX);
}

/** A choice of tools, as a chat completion says it. @throws {CallFailure} If it cannot be said. */
export function toolChoiceOf(choice: Json | undefined): Json | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  const { type, name, namespace } = objectOf(choice) ?? {};
  const isNamed = (type === "function" || type === "custom") && typeof name === "string";
  const called = textOf(type) ?? "";
  if (!isNamed && !isClientTool(called)) {
    throw unsayable(`A choice of tools of the type ${JSON.stringify(type ?? null)}`);
  }
  return { type: "function", function: { name: isNamed ? functionName(name, textOf(namespace)) : called } };
}

/** The arguments of a call in a conversation, as those of a function. Undefined: the item is no call. */
export function callOf(item: JsonObject): JsonObject | undefined {
  const { type, call_id: callId, id, name, namespace } = item;
  const called = (as: string, text: string): JsonObject => {
    const given = textOf(callId) ?? textOf(id);
    if (given === undefined) throw new CallFailure("invalid", "A call of a tool has no call_id");
    return { id: given, type: "function", function: { name: as, arguments: text } };
  };
  if (type === "function_call") {
    return called(functionName(textOf(name) ?? "", textOf(namespace)), textOf(item.arguments) ?? "");
  }
  if (type === "custom_tool_call") {
    const text = JSON.stringify({ input: textOf(item.input) ?? "" });
    return called(functionName(textOf(name) ?? "", textOf(namespace)), text);
  }
  const kind = CLIENT_CALLS[textOf(type) ?? ""];
  return kind === undefined ? undefined : called(kind, JSON.stringify(CLIENT_TOOLS[kind].arguments(item)));
}

/** The item that tells a client of a call. */
export function callItem(
  { itemId: id, callId: call_id, tool, arguments: text }: ToolCall,
  status: CallStatus,
): JsonObject {
  const { kind, name, namespace } = tool;
  const group = namespace === undefined ? {} : { namespace };
  if (kind === "function") return { id, type: "function_call", status, arguments: text, call_id, name, ...group };
  const input = objectOf(parseJson(text));
  if (kind === "custom") {
    // What is no such JSON may be what the tool takes, and the tool says whether it is.
    const said = status === "in_progress" ? "" : (textOf(input?.input) ?? text);
    return { id, type: "custom_tool_call", status, call_id, name, ...group, input: said };
  }
  // Of a patch nobody says that it is not whole.
  const told = kind === "apply_patch" && status === "incomplete" ? "in_progress" : status;
  return { id, type: `${kind}_call`, status: told, call_id, ...CLIENT_TOOLS[kind].called(input ?? {}) };
}

/** A name for the item of a call. */
export function callItemId({ kind }: ToolFacts): string {
  return freshId(clientTool(kind)?.prefix ?? (kind === "custom" ? "ctc_" : "fc_"));
}
