/**
 * The input of a call of the Responses API as messages of a chat completion.
 *
 * @module
 */
import { CallFailure } from "../router/errors.ts";
import { type Json, type JsonObject, objectOf, objectsOf, textOf } from "../router/json.ts";
import { CLIENT_CALLS, CLIENT_TOOLS } from "./client-tools.ts";
import { callOf } from "./response-tools.ts";
import { unsayable } from "./words.ts";

/**
 * What only its own provider can read: thoughts, which are signed, the work of its own tools, and settings. Tools that the input
 * adds are read with the others.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "additional_tools",
  "configuration_update",
  "reasoning",
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "tool_search_call",
  "tool_search_output",
  "mcp_list_tools",
  "mcp_call",
]);

const OUTPUTS: ReadonlySet<string> = new Set([
  "function_call_output",
  "custom_tool_call_output",
  ...Object.keys(CLIENT_CALLS).map((call) => `${call}_output`),
]);

/** Says it. @throws {CallFailure} If something of it cannot be said. */
export function inputMessages(instructions: Json | undefined, input: Json | undefined): JsonObject[] {
  const messages = new Messages();
  const said = textOf(instructions) ?? "";
  if (said !== "") messages.system(said);
  if (typeof input === "string") messages.user(input);
  else for (const item of objectsOf(input)) messages.take(item);
  return messages.finish();
}

/** Collects what belongs together: the words and calls of one turn, and what its tools said. */
class Messages {
  readonly #messages: JsonObject[] = [];
  #assistant: { texts: string[]; calls: JsonObject[] } | undefined;
  /** Messages of tools are texts: images of theirs follow when all of them have spoken. */
  #images: JsonObject[] = [];

  take(item: JsonObject): void {
    const type = textOf(item.type) ?? "message";
    if (LEFT_OUT.has(type)) return;
    if (OUTPUTS.has(type)) {
      this.#output(item);
      return;
    }
    const call = callOf(item);
    if (call !== undefined) {
      this.#turn().calls.push(call);
      return;
    }
    if (type === "item_reference") throw notKept("item_reference");
    if (type !== "message") throw unsayable(`An item of the type ${JSON.stringify(type.slice(0, 128))}`);
    this.#message(item);
  }

  /** What is said to the model before anybody speaks is one message: some models take no more than one. */
  system(text: string): void {
    this.#end();
    const last = this.#messages.at(-1);
    if (last?.role === "system") this.#messages.pop();
    const before = last?.role === "system" ? `${textOf(last.content) ?? ""}\n\n` : "";
    this.#messages.push({ role: "system", content: before + text });
  }

  user(content: Json): void {
    this.#end();
    this.#messages.push({ role: "user", content });
  }

  finish(): JsonObject[] {
    this.#end();
    return this.#messages;
  }

  #message({ role, content }: JsonObject): void {
    if (role === "assistant") this.#turn().texts.push(plainText(content));
    else if (role === "system" || role === "developer") this.system(plainText(content));
    else if (role === "user") this.user(typeof content === "string" ? content : objectsOf(content).map(partOf));
    else throw unsayable(`A message of the role ${JSON.stringify(role ?? null)}`);
  }

  #output(item: JsonObject): void {
    const { type, call_id: callId, id } = item;
    const kind = CLIENT_CALLS[(textOf(type) ?? "").replace(/_output$/, "")];
    const output = kind === undefined ? item.output : CLIENT_TOOLS[kind].said(item);
    const tool_call_id = textOf(callId) ?? textOf(id);
    if (tool_call_id === undefined) throw new CallFailure("invalid", "The output of a tool has no call_id");
    this.#endTurn();
    const parts = objectsOf(output);
    const content = typeof output === "string" ? output : plainText(parts.filter(isText));
    this.#messages.push({ role: "tool", tool_call_id, content });
    this.#images.push(...parts.filter((part) => !isText(part)).map(partOf));
  }

  #turn(): { texts: string[]; calls: JsonObject[] } {
    // Calls after the output of a tool are of the next turn.
    if (this.#assistant === undefined) this.#end();
    this.#assistant ??= { texts: [], calls: [] };
    return this.#assistant;
  }

  #end(): void {
    this.#endTurn();
    if (this.#images.length > 0) this.#messages.push({ role: "user", content: this.#images });
    this.#images = [];
  }

  #endTurn(): void {
    const turn = this.#assistant;
    this.#assistant = undefined;
    if (turn === undefined) return;
    const { texts, calls } = turn;
    const text = texts.filter((each) => each !== "").join("\n");
    if (text === "" && calls.length === 0) return;
    const called = calls.length > 0 ? { tool_calls: calls } : {};
    this.#messages.push({ role: "assistant", content: text === "" ? null : text, ...called });
  }
}

/** Something that only a provider that keeps answers could find. */
export function notKept(what: string): CallFailure {
  return new CallFailure(
    "invalid",
    `"${what}" means something that is kept at the provider, and this one keeps nothing: send the whole input, and store: false`,
  );
}

const TEXTS: ReadonlySet<Json | undefined> = new Set(["input_text", "output_text", "text", "summary_text"]);

function isText({ type }: JsonObject): boolean {
  return TEXTS.has(type) || type === "refusal";
}

function plainText(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return objectsOf(content)
    .map((part) => {
      if (!isText(part)) throw unsayable(`Content of the type ${JSON.stringify(part.type ?? null)}`);
      return textOf(part.text) ?? textOf(part.refusal) ?? "";
    })
    .join("\n");
}

function partOf(part: JsonObject): JsonObject {
  if (isText(part)) return { type: "text", text: textOf(part.text) ?? textOf(part.refusal) ?? "" };
  const { type, detail } = part;
  const url = textOf(part.image_url) ?? textOf(objectOf(part.image_url)?.url);
  if (type === "input_image" && url !== undefined) {
    return { type: "image_url", image_url: { url, ...(detail === "low" || detail === "high" ? { detail } : {}) } };
  }
  const data = textOf(part.file_data);
  if (type === "input_file" && data !== undefined) {
    return { type: "file", file: { filename: textOf(part.filename) ?? "document.pdf", file_data: data } };
  }
  if (part.file_id !== undefined && part.file_id !== null) throw notKept("file_id");
  throw unsayable(`Content of the type ${JSON.stringify(type ?? null)}`);
}
