/**
 * A request for a message as a chat completion: from Anthropic's family to OpenAI's.
 *
 * @module
 */
import { isList, type Json, type JsonObject, numberOf, objectOf, objectsOf, textOf } from "../router/json.ts";
import { given, unsayable } from "./words.ts";

/** How a provider of the OpenAI family calls the limit of an answer: OpenAI's own newer models take only the longer name. */
export type LimitKey = "max_tokens" | "max_completion_tokens";

/** Says it. @throws {CallFailure} If something of it cannot be said. */
export function messagesToChat(body: JsonObject, model: string, limitKey: LimitKey): JsonObject {
  const system = systemText(body.system);
  const choice = objectOf(body.tool_choice);
  const tools = objectsOf(body.tools);
  return given({
    model,
    messages: [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      ...objectsOf(body.messages).flatMap(toChat),
    ],
    [limitKey]: numberOf(body.max_tokens),
    temperature: numberOf(body.temperature),
    top_p: numberOf(body.top_p),
    stop: isList(body.stop_sequences) && body.stop_sequences.length > 0 ? body.stop_sequences : undefined,
    stream: body.stream === true ? true : undefined,
    stream_options: body.stream === true ? { include_usage: true } : undefined,
    tools: tools.length > 0 ? tools.map(toolOf) : undefined,
    tool_choice: tools.length > 0 && choice !== undefined ? toolChoice(choice) : undefined,
    parallel_tool_calls: tools.length > 0 && choice?.disable_parallel_tool_use === true ? false : undefined,
  });
}

function systemText(system: Json | undefined): string {
  if (typeof system === "string") return system;
  return objectsOf(system)
    .flatMap(({ text }) => textOf(text) ?? [])
    .join("\n");
}

function toChat({ role, content }: JsonObject): JsonObject[] {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : objectsOf(content);
  if (role === "assistant") return [assistantMessage(blocks)];
  if (role === "system") return [{ role: "system", content: systemText(blocks) }];
  if (role !== "user") throw unsayable(`a message of the role ${JSON.stringify(role ?? null)}`);
  return userMessages(blocks);
}

/** Thoughts stay where they were thought: they are signed for their own provider. */
function assistantMessage(blocks: readonly JsonObject[]): JsonObject {
  const text = blocks.flatMap((block) => (block.type === "text" ? [textOf(block.text) ?? ""] : [])).join("");
  const calls = blocks
    .filter(({ type }) => type === "tool_use")
    .map(({ id, name, input }) => ({
      id: id ?? "",
      type: "function",
      function: { name: name ?? "", arguments: JSON.stringify(input ?? {}) },
    }));
  return { role: "assistant", content: text === "" ? null : text, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
}

/** What tools said comes first, each as a message of its own; images among it follow as the user's. */
function userMessages(blocks: readonly JsonObject[]): JsonObject[] {
  const results = blocks.filter(({ type }) => type === "tool_result");
  const tools = results.map(({ tool_use_id: id, content }) => ({
    role: "tool",
    tool_call_id: id ?? "",
    content: typeof content === "string" ? content : systemText(content),
  }));
  const seen = results.flatMap(({ content }) => objectsOf(content).filter(({ type }) => type === "image"));
  const rest = [...seen, ...blocks.filter(({ type }) => type !== "tool_result")];
  if (rest.length === 0) return tools;
  const isText = rest.every(({ type }) => type === "text");
  return [...tools, { role: "user", content: isText ? systemText(rest) : rest.map(partOf) }];
}

function partOf(block: JsonObject): JsonObject {
  const source = objectOf(block.source);
  if (block.type === "text") return { type: "text", text: textOf(block.text) ?? "" };
  if (block.type === "image" && source !== undefined) return { type: "image_url", image_url: { url: urlOf(source) } };
  if (block.type === "document" && source?.type === "text") return { type: "text", text: textOf(source.data) ?? "" };
  if (block.type === "document" && source?.type === "base64") {
    return { type: "file", file: { filename: textOf(block.title) ?? "document.pdf", file_data: urlOf(source) } };
  }
  throw unsayable(`content of the type ${JSON.stringify(block.type ?? null)}`);
}

function urlOf({ type, url, media_type: media, data }: JsonObject): string {
  if (type === "url") return textOf(url) ?? "";
  if (type !== "base64") throw unsayable(`a source of the type ${JSON.stringify(type ?? null)}`);
  return `data:${textOf(media) ?? "application/octet-stream"};base64,${textOf(data) ?? ""}`;
}

function toolOf({ type, name, description, input_schema: parameters }: JsonObject): JsonObject {
  if (type !== undefined && type !== "custom") throw unsayable(`a tool of the type ${JSON.stringify(type)}`);
  return { type: "function", function: given({ name, description, parameters }) };
}

function toolChoice({ type, name }: JsonObject): Json {
  if (type === "any") return "required";
  if (type === "tool") return { type: "function", function: { name: name ?? "" } };
  return type === "none" ? "none" : "auto";
}
