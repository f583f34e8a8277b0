/**
 * Calls to a provider of the client's own family: nothing is changed but the model, and tokens are counted on the way.
 *
 * @module
 */
import { type ServerEvent, writeEvent } from "../../../egress/http/event-stream.ts";
import type { Dialect, Endpoint, EventRelay } from "./dialect.ts";
import { CallFailure, openaiError } from "./errors.ts";
import { isList, type JsonObject, numberOf, objectOf, objectsOf, parseJson, textOf } from "./json.ts";
import { anthropicUsage, openaiUsage, type Usage } from "./usage.ts";

const PATHS: Readonly<Record<Endpoint, string>> = {
  chat: "/chat/completions",
  responses: "/responses",
  completions: "/completions",
  embeddings: "/embeddings",
  messages: "/v1/messages",
  count_tokens: "/v1/messages/count_tokens",
};

/** Says a call as it came. */
export function passThrough(endpoint: Endpoint): Dialect {
  const isAnthropic = endpoint === "messages" || endpoint === "count_tokens";
  const counts = endpoint === "chat" || endpoint === "completions";
  return {
    path: PATHS[endpoint],
    speaks: isAnthropic ? "messages" : endpoint === "responses" ? "responses" : "chat",
    request: (body, model) => {
      refuseDetours(body);
      return {
        ...body,
        model,
        // Otherwise nobody says how much a stream took.
        ...(counts && body.stream === true
          ? { stream_options: { ...objectOf(body.stream_options), include_usage: true } }
          : {}),
      };
    },
    answer: (json) => {
      // Nothing is used up by counting.
      if (endpoint === "count_tokens") return { json, usage: { inputTokens: 0, outputTokens: 0, cachedTokens: 0 } };
      return { json, usage: isAnthropic ? anthropicUsage(json.usage) : openaiUsage(json.usage) };
    },
    events: (asked) => {
      if (isAnthropic) return new MessageEvents();
      if (endpoint === "responses") return new ResponseEvents();
      return new ChunkEvents(objectOf(asked.stream_options)?.include_usage === true);
    },
  };
}

/** What gateways take for other models to ask, and providers for work that goes on when the call is over. */
const DETOURS = ["models", "fallbacks", "route", "background"] as const;

function refuseDetours(body: JsonObject): void {
  const detour = DETOURS.find((key) => ![undefined, null, false].includes(body[key] as never));
  if (detour === undefined) return;
  throw new CallFailure("denied", `"${detour}" is not passed on: it would get around the policy's routes and budgets`);
}

/** The data of an event as a map. Absent: it has none. */
export function eventData({ data }: ServerEvent): JsonObject | undefined {
  if (data === undefined) return undefined;
  const json = objectOf(parseJson(data));
  if (json === undefined) throw new CallFailure("upstream", "The provider sent an event that is no JSON");
  return json;
}

/** A stream that ended before its end. */
export function cutShort(): CallFailure {
  return new CallFailure("unreachable", "The provider's answer was cut short");
}

/** Chunks of chat completions and of completions. */
class ChunkEvents implements EventRelay {
  usage: Usage | undefined;
  readonly #wantsUsage: boolean;
  #isDone = false;

  constructor(wantsUsage: boolean) {
    this.#wantsUsage = wantsUsage;
  }

  take(event: ServerEvent): string {
    if (event.data === "[DONE]") {
      this.#isDone = true;
      return writeEvent(event);
    }
    const chunk = eventData(event);
    if (chunk === undefined) return writeEvent(event);
    const usage = openaiUsage(chunk.usage);
    this.usage = usage ?? this.usage;
    const choices = objectsOf(chunk.choices);
    if (objectOf(chunk.error) !== undefined || choices.some((each) => textOf(each.finish_reason) !== undefined)) {
      this.#isDone = true;
    }
    const isOnlyUsage = usage !== undefined && isList(chunk.choices) && choices.length === 0;
    return isOnlyUsage && !this.#wantsUsage ? "" : writeEvent(event);
  }

  end(): string {
    if (!this.#isDone) throw cutShort();
    return "";
  }
}

/** Events of the Responses API. */
class ResponseEvents implements EventRelay {
  usage: Usage | undefined;
  #isDone = false;
  #next = 0;

  take(event: ServerEvent): string {
    const data = event.data === "[DONE]" ? undefined : eventData(event);
    const type = textOf(data?.type) ?? event.event ?? "";
    this.#next = (numberOf(data?.sequence_number) ?? this.#next) + 1;
    if (/^(?:response\.(?:completed|incomplete|failed)|error)$/.test(type)) {
      this.#isDone = true;
      this.usage = openaiUsage(objectOf(data?.response)?.usage) ?? this.usage;
    }
    return writeEvent(event);
  }

  end(): string {
    if (!this.#isDone) throw cutShort();
    return "";
  }

  fail(failure: CallFailure): string {
    const { message, code, type, param } = openaiError(failure);
    const data = { type: "error", code: code ?? type, message, param, sequence_number: this.#next };
    return writeEvent({ event: "error", data: JSON.stringify(data) });
  }
}

/** Events of Anthropic's messages. */
class MessageEvents implements EventRelay {
  usage: Usage | undefined;
  #isDone = false;

  take(event: ServerEvent): string {
    const data = eventData(event);
    const type = textOf(data?.type) ?? event.event;
    if (type === "message_start") this.usage = anthropicUsage(objectOf(data?.message)?.usage, this.usage);
    if (type === "message_delta") this.usage = anthropicUsage(data?.usage, this.usage);
    if (type === "message_stop" || type === "error") this.#isDone = true;
    return writeEvent(event);
  }

  end(): string {
    if (!this.#isDone) throw cutShort();
    return "";
  }
}
