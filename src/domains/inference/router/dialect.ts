/**
 * What a call of a client becomes on its way to a provider, and the answer on its way back.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";
import type { WireApi } from "../pieces/filter.ts";
import type { CallFailure } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Usage } from "./usage.ts";

/** What clients can call. */
export type Endpoint = "chat" | "responses" | "completions" | "embeddings" | "messages" | "count_tokens";

/** The family that each is of. */
export const FAMILY: Readonly<Record<Endpoint, ApiFamily>> = {
  chat: "openai",
  responses: "openai",
  completions: "openai",
  embeddings: "openai",
  messages: "anthropic",
  count_tokens: "anthropic",
};

/** An answer in one piece. */
export interface WholeAnswer {
  readonly json: JsonObject;
  /** Absent: it does not say. */
  readonly usage?: Usage | undefined;
}

/** Sees the events of a provider, and says what the client gets. */
export interface EventRelay {
  /** What was counted so far. Absent: nothing. */
  readonly usage: Usage | undefined;
  /** What goes on in the place of an event, as text; may be nothing. @throws {CallFailure} If it makes no sense. */
  take(event: ServerEvent): string;
  /** What comes after the last. @throws {CallFailure} If it cannot have been the last. */
  end(): string;
  /** How many characters of the answer it holds. Absent: none. */
  readonly held?: number;
  /** Tells the client that the answer has failed. Absent: as the client's family tells it. */
  fail?(failure: CallFailure): string;
}

/** How an endpoint is spoken to a provider. */
export interface Dialect {
  /** Below the provider's base URL. */
  readonly path: string;
  /** The API of the provider's events. */
  readonly speaks: WireApi;
  /** Answers a request of so many bytes without the provider. Absent: it is asked. */
  atHome?(bytes: number): WholeAnswer;
  /** The request with the model that is asked. @throws {CallFailure} If it cannot be said to the provider. */
  request(body: JsonObject, model: string): JsonObject;
  /** `asked`: the request as the client sent it. @throws {CallFailure} If it makes no sense. */
  answer(json: JsonObject, asked: JsonObject): WholeAnswer;
  /** For one answer in pieces. `asked`: the request as the client sent it. */
  events(asked: JsonObject): EventRelay;
}
