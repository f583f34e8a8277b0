/**
 * Answers of Anthropic's API as chat completions of the OpenAI family.
 *
 * @module
 */
import { type ServerEvent, writeEvent } from "../../../egress/http/event-stream.ts";
import type { EventRelay, WholeAnswer } from "../router/dialect.ts";
import { type Json, type JsonObject, objectOf, objectsOf, textOf } from "../router/json.ts";
import { cutShort, eventData } from "../router/pass-through.ts";
import { anthropicUsage, NO_USAGE, type Usage } from "../router/usage.ts";
import { chatUsage, finishReason, freshId, toldError } from "./words.ts";

/** A whole message. */
export function messageToChat(message: JsonObject, model: string): WholeAnswer {
  const blocks = objectsOf(message.content);
  const text = blocks.flatMap((block) => (block.type === "text" ? [textOf(block.text) ?? ""] : [])).join("");
  const calls = blocks
    .filter(({ type }) => type === "tool_use")
    .map(({ id, name, input }) => ({
      id: id ?? null,
      type: "function",
      function: { name: name ?? null, arguments: JSON.stringify(input ?? {}) },
    }));
  const usage = anthropicUsage(message.usage);
  const choice = {
    index: 0,
    message: {
      role: "assistant",
      content: text === "" && calls.length > 0 ? null : text,
      refusal: null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    },
    logprobs: null,
    finish_reason: finishReason(textOf(message.stop_reason)),
  };
  const json = { ...head("chat.completion", model), choices: [choice], usage: chatUsage(usage ?? NO_USAGE) };
  return { json, usage };
}

function head(object: string, model: string): JsonObject {
  return { id: freshId("chatcmpl-"), object, created: Math.floor(Date.now() / 1000), model };
}

/** A message in pieces. */
export class MessageToChunks implements EventRelay {
  usage: Usage | undefined;
  /** Everything of a chunk but its choices, as the beginning of its JSON: it is the same in all of them. */
  readonly #head: string;
  readonly #wantsUsage: boolean;
  #calls = 0;
  /** Whether the block is a call of a tool, and what is known of its arguments. */
  #tool: { readonly input: Json; hasArguments: boolean } | undefined;
  #isDone = false;

  constructor(model: string, wantsUsage: boolean) {
    this.#head = JSON.stringify(head("chat.completion.chunk", model)).slice(0, -1);
    this.#wantsUsage = wantsUsage;
  }

  take(event: ServerEvent): string {
    const data = eventData(event);
    switch (data?.type) {
      case "message_start":
        this.usage = anthropicUsage(objectOf(data.message)?.usage, this.usage);
        return this.#chunk({ role: "assistant", content: "" });
      case "content_block_start":
        return this.#begin(objectOf(data.content_block) ?? {});
      case "content_block_delta":
        return this.#delta(objectOf(data.delta) ?? {});
      case "content_block_stop":
        return this.#finish();
      case "message_delta":
        this.usage = anthropicUsage(data.usage, this.usage);
        return this.#chunk({}, finishReason(textOf(objectOf(data.delta)?.stop_reason)));
      case "message_stop":
        return this.#stop();
      case "error":
        throw toldError(objectOf(data.error) ?? {}, "anthropic");
      case "ping":
        return writeEvent({ comment: " ping" });
      default:
        return "";
    }
  }

  end(): string {
    if (!this.#isDone) throw cutShort();
    return "";
  }

  #begin({ type, id, name, input = {}, text }: JsonObject): string {
    if (type === "text" && typeof text === "string" && text !== "") return this.#chunk({ content: text });
    if (type !== "tool_use") return "";
    this.#tool = { input, hasArguments: false };
    this.#calls++;
    const called = { name: name ?? null, arguments: "" };
    return this.#call({ id: id ?? null, type: "function", function: called });
  }

  #delta({ type, text, partial_json: json }: JsonObject): string {
    if (type === "text_delta" && typeof text === "string") return this.#chunk({ content: text });
    if (type !== "input_json_delta" || typeof json !== "string" || json === "" || this.#tool === undefined) return "";
    this.#tool.hasArguments = true;
    return this.#call({ function: { arguments: json } });
  }

  /** A call without arguments has none in pieces, and must be JSON nevertheless. */
  #finish(): string {
    const tool = this.#tool;
    this.#tool = undefined;
    if (tool === undefined || tool.hasArguments) return "";
    return this.#call({ function: { arguments: JSON.stringify(tool.input) } });
  }

  #stop(): string {
    this.#isDone = true;
    const usage = this.#wantsUsage ? `data: ${this.#head},"choices":[],"usage":${this.#usage()}}\n\n` : "";
    return `${usage}data: [DONE]\n\n`;
  }

  #usage(): string {
    return JSON.stringify(chatUsage(this.usage ?? NO_USAGE));
  }

  #call(call: JsonObject): string {
    return this.#chunk({ tool_calls: [{ index: this.#calls - 1, ...call }] });
  }

  #chunk(delta: JsonObject, finish: string | null = null): string {
    const choice = JSON.stringify({ index: 0, delta, logprobs: null, finish_reason: finish });
    return `data: ${this.#head},"choices":[${choice}]}\n\n`;
  }
}
