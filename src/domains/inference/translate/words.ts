/**
 * What the two families call the same things.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { CallFailure } from "../router/errors.ts";
import { type Json, type JsonObject, objectOf, parseJson, textOf } from "../router/json.ts";
import type { Usage } from "../router/usage.ts";

/** Why an answer ended: Anthropic's words, and those of the OpenAI family. */
const FINISH: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

const STOP: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

/** A provider may say `constructor`. */
function own(words: Readonly<Record<string, string>>, key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(words, key) ? words[key] : undefined;
}

export function finishReason(stopReason: string | undefined): string {
  return own(FINISH, stopReason) ?? "stop";
}

/** Some servers say `stop` where they call tools. */
export function stopReason(finish: string | undefined, hasTools: boolean): string {
  const reason = own(STOP, finish) ?? "end_turn";
  return hasTools && reason === "end_turn" ? "tool_use" : reason;
}

export function chatUsage({ inputTokens, outputTokens, cachedTokens }: Usage): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

export function messageUsage({ inputTokens, outputTokens, cachedTokens }: Usage): JsonObject {
  return {
    input_tokens: Math.max(0, inputTokens - cachedTokens),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: outputTokens,
  };
}

/** A name for an answer. */
export function freshId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll("-", "")}`;
}

/** The name of a call of a tool, of the letters that both families take. */
export function toolId(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 256) || "call";
}

/** Something that the other family has no words for. */
export function unsayable(what: string): CallFailure {
  return new CallFailure("invalid", `${what} cannot be said to the provider, which speaks another API`);
}

/** The arguments of a call of a tool. @throws {CallFailure} If they are no JSON object. */
export function toolInput(text: string, kind: "invalid" | "upstream"): JsonObject {
  if (text.trim() === "") return {};
  const input = objectOf(parseJson(text));
  if (input === undefined) throw new CallFailure(kind, "The arguments of a call of a tool are no JSON object");
  return input;
}

/** What an answer in the middle of a stream says went wrong. */
export function toldError(error: JsonObject, family: "openai" | "anthropic"): CallFailure {
  const message = textOf(error.message) ?? "The provider failed";
  const type = textOf(error.type);
  return new CallFailure("upstream", message.slice(0, 4096), {
    words: { family, said: type === undefined ? {} : { type } },
  });
}

/** Keys that have a value. */
export function given(values: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
}
