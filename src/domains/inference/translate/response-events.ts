/**
 * Answers in pieces of either family as events of the Responses API.
 *
 * @module
 */
import { type ServerEvent, writeEvent } from "../../../egress/http/event-stream.ts";
import type { EventRelay } from "../router/dialect.ts";
import { CallFailure } from "../router/errors.ts";
import { type Json, type JsonObject, numberOf, objectOf, objectsOf, textOf } from "../router/json.ts";
import { cutShort, eventData } from "../router/pass-through.ts";
import { anthropicUsage, openaiUsage, type Usage } from "../router/usage.ts";
import { ResponseWriter } from "./response-writer.ts";
import { finishReason, toldError } from "./words.ts";

/** Somebody is there, and has nothing to say. */
const ALIVE = writeEvent({ comment: " alive" });

/** What both have. */
abstract class ToResponse implements EventRelay {
  usage: Usage | undefined;
  protected readonly writer: ResponseWriter;
  protected finish: string | undefined;
  #isDone = false;

  constructor(asked: JsonObject, model: string) {
    this.writer = new ResponseWriter(asked, model);
  }

  get held(): number {
    return this.writer.held;
  }

  abstract take(event: ServerEvent): string;

  end(): string {
    if (this.#isDone) return "";
    // Some servers leave the last line out.
    if (this.finish === undefined) throw cutShort();
    return this.done();
  }

  fail(failure: CallFailure): string {
    // Whatever went wrong after the end was told changes nothing.
    return this.#isDone ? "" : this.writer.fail(failure);
  }

  protected done(): string {
    if (this.#isDone) return "";
    this.#isDone = true;
    return this.writer.finish(this.finish, this.usage);
  }
}

/** Chunks of a chat completion. */
export class ChunksToResponse extends ToResponse {
  #calls = 0;
  #open: number | undefined;

  take(event: ServerEvent): string {
    if (event.comment !== undefined) return ALIVE;
    if (event.data === "[DONE]") return this.done();
    const chunk = eventData(event);
    if (chunk === undefined) return "";
    const error = objectOf(chunk.error);
    if (error !== undefined) throw toldError(error, "openai");
    this.usage = openaiUsage(chunk.usage) ?? this.usage;
    const begun = this.writer.begin();
    const [choice] = objectsOf(chunk.choices);
    if (choice === undefined) return begun;
    const { content, refusal, tool_calls: calls } = objectOf(choice.delta) ?? {};
    const said = this.#say("output_text", textOf(content)) + this.#say("refusal", textOf(refusal));
    const called = objectsOf(calls).map((call) => this.#call(call));
    this.finish = textOf(choice.finish_reason) ?? this.finish;
    return begun + said + called.join("") || ALIVE;
  }

  #say(type: "output_text" | "refusal", text = ""): string {
    if (text === "") return "";
    this.#open = undefined;
    return this.writer.say(type, text);
  }

  #call({ index, id, function: called }: JsonObject): string {
    const { name, arguments: json } = objectOf(called) ?? {};
    const number = numberOf(index) ?? (textOf(name) === undefined ? Math.max(0, this.#calls - 1) : this.#calls);
    if (number < this.#calls && this.#open !== number) {
      throw new CallFailure("upstream", "The provider went on with a call of a tool that had ended");
    }
    const begun = this.#open === number ? "" : this.writer.call(textOf(id), textOf(name) ?? "");
    this.#open = number;
    this.#calls = Math.max(this.#calls, number + 1);
    return begun + this.writer.argue(textOf(json) ?? "");
  }
}

/** Events of Anthropic's messages. */
export class MessageToResponse extends ToResponse {
  /** Whether the block is a call of a tool, and what is known of its arguments. */
  #tool: { readonly input: Json; hasArguments: boolean } | undefined;

  take(event: ServerEvent): string {
    const data = eventData(event);
    switch (data?.type) {
      case "message_start":
        this.usage = anthropicUsage(objectOf(data.message)?.usage, this.usage);
        return this.writer.begin();
      case "content_block_start":
        return this.writer.begin() + this.#begin(objectOf(data.content_block) ?? {});
      case "content_block_delta":
        return this.writer.begin() + this.#delta(objectOf(data.delta) ?? {}) || ALIVE;
      case "content_block_stop":
        return this.#finish();
      case "message_delta":
        this.usage = anthropicUsage(data.usage, this.usage);
        this.finish = finishReason(textOf(objectOf(data.delta)?.stop_reason));
        return "";
      case "message_stop":
        return this.done();
      case "error":
        throw toldError(objectOf(data.error) ?? {}, "anthropic");
      case "ping":
        return ALIVE;
      default:
        return "";
    }
  }

  #begin({ type, id, name, input = {}, text }: JsonObject): string {
    if (type === "text" && typeof text === "string") return this.writer.say("output_text", text);
    if (type !== "tool_use") return "";
    this.#tool = { input, hasArguments: false };
    return this.writer.call(textOf(id), textOf(name) ?? "");
  }

  #delta({ type, text, partial_json: json }: JsonObject): string {
    if (type === "text_delta" && typeof text === "string") return this.writer.say("output_text", text);
    if (type !== "input_json_delta" || typeof json !== "string" || json === "" || this.#tool === undefined) return "";
    this.#tool.hasArguments = true;
    return this.writer.argue(json);
  }

  /** A call without arguments has none in pieces, and must be JSON nevertheless. */
  #finish(): string {
    const tool = this.#tool;
    this.#tool = undefined;
    return tool === undefined || tool.hasArguments ? "" : this.writer.argue(JSON.stringify(tool.input));
  }
}
