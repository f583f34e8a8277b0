/**
 * A chat completion as a request for a message: from the OpenAI family to Anthropic's.
 *
 * @module
 */
import { isList, type Json, type JsonObject, numberOf, objectOf, objectsOf, textOf } from "../router/json.ts";
import { given, toolId, toolInput, unsayable } from "./words.ts";

/** Anthropic's API wants a limit; who gives none gets this one. */
const MAX_TOKENS = 8192;

/** Says it. @throws {CallFailure} If something of it cannot be said. */
export function chatToMessages(body: JsonObject, model: string): JsonObject {
  refuse(body);
  const messages = objectsOf(body.messages);
  const isSystem = ({ role }: JsonObject): boolean => role === "system" || role === "developer";
  const system = messages.filter(isSystem).flatMap(({ content }) => textParts(content));
  const temperature = numberOf(body.temperature);
  const choice = toolChoice(body);
  return given({
    model,
    max_tokens: numberOf(body.max_completion_tokens) ?? numberOf(body.max_tokens) ?? MAX_TOKENS,
    system: system.length > 0 ? system : undefined,
    messages: turns(messages.filter((message) => !isSystem(message))),
    // Theirs goes up to 2.
    temperature: temperature === undefined ? undefined : Math.min(1, temperature),
    top_p: numberOf(body.top_p),
    stop_sequences: typeof body.stop === "string" ? [body.stop] : body.stop,
    stream: body.stream === true ? true : undefined,
    tools: isList(body.tools) && body.tools.length > 0 ? objectsOf(body.tools).map(toolOf) : undefined,
    tool_choice: isList(body.tools) && body.tools.length > 0 ? choice : undefined,
  });
}

function refuse(body: JsonObject): void {
  const format = textOf(objectOf(body.response_format)?.type);
  if (format !== undefined && format !== "text") throw unsayable(`response_format ${format}`);
  if ((numberOf(body.n) ?? 1) > 1) throw unsayable("n");
  if (body.logprobs === true) throw unsayable("logprobs");
  if (isList(body.functions)) throw unsayable("functions");
  if (objectOf(body.audio) !== undefined) throw unsayable("audio");
}

/** Roles take turns: what follows one another of one role is one turn, so the results of tools stand together. */
function turns(messages: readonly JsonObject[]): JsonObject[] {
  const made: { role: string; content: JsonObject[] }[] = [];
  for (const message of messages) {
    const role = message.role === "assistant" ? "assistant" : "user";
    const content = message.role === "assistant" ? assistantBlocks(message) : userBlocks(message);
    const last = made.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) made.push({ role, content });
  }
  return made;
}

function userBlocks({ role, content, tool_call_id: id }: JsonObject): JsonObject[] {
  if (role === "tool") {
    return [{ type: "tool_result", tool_use_id: toolId(textOf(id) ?? ""), content: textParts(content) }];
  }
  if (role !== "user") throw unsayable(`a message of the role ${JSON.stringify(role ?? null)}`);
  if (typeof content === "string") return textParts(content);
  return objectsOf(content).map(partBlock);
}

function assistantBlocks({ content, tool_calls: calls }: JsonObject): JsonObject[] {
  const text = textParts(content);
  return [
    ...text,
    ...objectsOf(calls).map((call) => {
      const called = objectOf(call.function);
      if (called === undefined) throw unsayable(`a call of a tool of the type ${JSON.stringify(call.type ?? null)}`);
      const input = toolInput(textOf(called.arguments) ?? "", "invalid");
      return { type: "tool_use", id: toolId(textOf(call.id) ?? ""), name: textOf(called.name) ?? "", input };
    }),
  ];
}

/** Texts that are not empty: theirs must not be. */
function textParts(content: Json | undefined): JsonObject[] {
  const texts =
    typeof content === "string" ? [content] : objectsOf(content).map(({ text, refusal }) => text ?? refusal);
  return texts.flatMap((text) => (typeof text === "string" && text !== "" ? [{ type: "text", text }] : []));
}

function partBlock(part: JsonObject): JsonObject {
  if (part.type === "text") return { type: "text", text: textOf(part.text) ?? "" };
  if (part.type === "image_url") return { type: "image", source: source(textOf(objectOf(part.image_url)?.url) ?? "") };
  const file = objectOf(part.file);
  if (part.type === "file" && file?.file_data !== undefined) {
    return { type: "document", source: source(textOf(file.file_data) ?? "") };
  }
  throw unsayable(`content of the type ${JSON.stringify(part.type ?? null)}`);
}

function source(url: string): JsonObject {
  const [, type, data] = /^data:([\w.+/-]+);base64,(.*)$/s.exec(url) ?? [];
  return data === undefined ? { type: "url", url } : { type: "base64", media_type: type, data };
}

function toolOf(tool: JsonObject): JsonObject {
  const { name, description, parameters } = objectOf(tool.function) ?? {};
  if (tool.type !== "function") throw unsayable(`a tool of the type ${JSON.stringify(tool.type ?? null)}`);
  return given({ name, description, input_schema: parameters ?? { type: "object", properties: {} } });
}

function toolChoice({ tool_choice: choice, parallel_tool_calls: parallel }: JsonObject): JsonObject | undefined {
  const alone = parallel === false ? { disable_parallel_tool_use: true } : {};
  if (choice === "none") return { type: "none" };
  if (choice === "required") return { type: "any", ...alone };
  const named = textOf(objectOf(objectOf(choice)?.function)?.name);
  if (named !== undefined) return { type: "tool", name: named, ...alone };
  return choice === "auto" || parallel === false ? { type: "auto", ...alone } : undefined;
}
