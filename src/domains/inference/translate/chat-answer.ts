/**
 * Chat completions of the OpenAI family as answers of Anthropic's API.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import type { EventRelay, WholeAnswer } from "../router/dialect.ts";
import { CallFailure } from "../router/errors.ts";
import { type JsonObject, numberOf, objectOf, objectsOf, textOf } from "../router/json.ts";
import { cutShort, eventData } from "../router/pass-through.ts";
import { NO_USAGE, openaiUsage, type Usage } from "../router/usage.ts";
import { freshId, messageUsage, stopReason, toldError, toolId, toolInput } from "./words.ts";

/** A whole completion. @throws {CallFailure} If it makes no sense. */
export function chatToMessage(completion: JsonObject, model: string): WholeAnswer {
  const [choice] = objectsOf(completion.choices);
  const message = objectOf(choice?.message);
  if (message === undefined) throw new CallFailure("upstream", "The provider's answer has no message");
  const text = textOf(message.content) ?? textOf(message.refusal) ?? "";
  const calls = objectsOf(message.tool_calls).map(({ id, function: called }) => ({
    type: "tool_use",
    id: toolId(textOf(id) ?? freshId("toolu_")),
    name: textOf(objectOf(called)?.name) ?? "",
    input: toolInput(textOf(objectOf(called)?.arguments) ?? "", "upstream"),
  }));
  const usage = openaiUsage(completion.usage);
  const json = {
    ...head(model),
    content: [...(text === "" ? [] : [{ type: "text", text }]), ...calls],
    stop_reason: stopReason(textOf(choice?.finish_reason), calls.length > 0),
    stop_sequence: null,
    usage: messageUsage(usage ?? NO_USAGE),
  };
  return { json, usage };
}

function head(model: string): JsonObject {
  return { id: freshId("msg_"), type: "message", role: "assistant", model };
}

/** A completion in pieces. */
export class ChunksToMessage implements EventRelay {
  usage: Usage | undefined;
  readonly #model: string;
  #hasBegun = false;
  /** The block that is open: text, or the call of a tool by its number at the provider. */
  #open: "text" | number | undefined;
  #blocks = 0;
  #calls = 0;
  #finish: string | undefined;
  #isDone = false;

  constructor(model: string) {
    this.#model = model;
  }

  take(event: ServerEvent): string {
    if (event.comment !== undefined) return PING;
    if (event.data === "[DONE]") return this.#done();
    const chunk = eventData(event);
    if (chunk === undefined) return "";
    const error = objectOf(chunk.error);
    if (error !== undefined) throw toldError(error, "openai");
    this.usage = openaiUsage(chunk.usage) ?? this.usage;
    const begun = this.#begin();
    const [choice] = objectsOf(chunk.choices);
    if (choice === undefined) return begun;
    const { content, refusal, tool_calls: calls } = objectOf(choice.delta) ?? {};
    const text = this.#text(textOf(content) ?? textOf(refusal) ?? "");
    const called = objectsOf(calls).map((call) => this.#call(call));
    this.#finish = textOf(choice.finish_reason) ?? this.#finish;
    const said = begun + text + called.join("");
    // A provider that thinks aloud is there, though the client does not hear it.
    return said === "" ? PING : said;
  }

  end(): string {
    if (this.#isDone) return "";
    // Some servers leave the last line out.
    if (this.#finish === undefined) throw cutShort();
    return this.#done();
  }

  #begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    const message = {
      ...head(this.#model),
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: messageUsage(NO_USAGE),
    };
    return written({ type: "message_start", message });
  }

  #text(text: string): string {
    if (text === "") return "";
    const opened = this.#open === "text" ? "" : this.#start("text", { type: "text", text: "" });
    return opened + this.#delta({ type: "text_delta", text });
  }

  #call({ index, id, function: called }: JsonObject): string {
    const { name, arguments: json } = objectOf(called) ?? {};
    const number = numberOf(index) ?? (textOf(name) === undefined ? Math.max(0, this.#calls - 1) : this.#calls);
    if (number < this.#calls && this.#open !== number) {
      throw new CallFailure("upstream", "The provider went on with a call of a tool that had ended");
    }
    const block = {
      type: "tool_use",
      id: toolId(textOf(id) ?? freshId("toolu_")),
      name: textOf(name) ?? "",
      input: {},
    };
    const opened = this.#open === number ? "" : this.#start(number, block);
    this.#calls = Math.max(this.#calls, number + 1);
    const text = textOf(json) ?? "";
    return text === "" ? opened : opened + this.#delta({ type: "input_json_delta", partial_json: text });
  }

  #start(what: "text" | number, block: JsonObject): string {
    const stopped = this.#stop();
    this.#open = what;
    return stopped + written({ type: "content_block_start", index: this.#blocks, content_block: block });
  }

  #delta(delta: JsonObject): string {
    return written({ type: "content_block_delta", index: this.#blocks, delta });
  }

  #stop(): string {
    if (this.#open === undefined) return "";
    this.#open = undefined;
    return written({ type: "content_block_stop", index: this.#blocks++ });
  }

  #done(): string {
    if (this.#isDone) return "";
    this.#isDone = true;
    const delta = { stop_reason: stopReason(this.#finish, this.#calls > 0), stop_sequence: null };
    const usage = messageUsage(this.usage ?? NO_USAGE);
    return (
      this.#begin() +
      this.#stop() +
      written({ type: "message_delta", delta, usage }) +
      written({ type: "message_stop" })
    );
  }
}

function written(data: JsonObject & { readonly type: string }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

const PING = written({ type: "ping" });
