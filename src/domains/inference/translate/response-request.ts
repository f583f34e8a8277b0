/**
 * A call of the Responses API as a chat completion.
 *
 * @module
 */
import { type Json, type JsonObject, numberOf, objectOf, textOf } from "../router/json.ts";
import type { LimitKey } from "./message-request.ts";
import { inputMessages, notKept } from "./response-input.ts";
import { ResponseTools, toolChoiceOf } from "./response-tools.ts";
import { given, unsayable } from "./words.ts";

/** Says it. @throws {CallFailure} If something of it cannot be said. */
export function responsesToChat(body: JsonObject, model: string, limitKey: LimitKey): JsonObject {
  refuse(body);
  const { functions } = new ResponseTools(body);
  const hasTools = functions.length > 0;
  return given({
    model,
    messages: inputMessages(body.instructions, body.input),
    [limitKey]: numberOf(body.max_output_tokens),
    temperature: numberOf(body.temperature),
    top_p: numberOf(body.top_p),
    stream: body.stream === true ? true : undefined,
    stream_options: body.stream === true ? { include_usage: true } : undefined,
    tools: hasTools ? functions : undefined,
    tool_choice: hasTools ? toolChoiceOf(body.tool_choice) : undefined,
    parallel_tool_calls:
      hasTools && typeof body.parallel_tool_calls === "boolean" ? body.parallel_tool_calls : undefined,
    response_format: formatOf(objectOf(objectOf(body.text)?.format)),
  });
}

/** What an answer would have to be kept for. */
const KEPT = ["previous_response_id", "conversation", "prompt"] as const;

function refuse(body: JsonObject): void {
  for (const key of KEPT) if (body[key] !== undefined && body[key] !== null) throw notKept(key);
  if (body.store === true) throw notKept("store");
  if (body.background === true) throw unsayable("background");
  if ((numberOf(body.top_logprobs) ?? 0) > 0) throw unsayable("top_logprobs");
}

function formatOf(format: JsonObject | undefined): Json | undefined {
  const type = textOf(format?.type);
  if (format === undefined || type === "text") return undefined;
  if (type === "json_object") return { type };
  if (type !== "json_schema") throw unsayable(`text.format ${JSON.stringify(type ?? null)}`);
  const { name, description, schema, strict } = format;
  return { type, json_schema: given({ name: name ?? "answer", description, schema, strict }) };
}
