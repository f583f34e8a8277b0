/**
 * The dialects that lead from one family to the other.
 *
 * @module
 */
import { KINDS } from "../../../policy/providers/kinds.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import type { Dialect, Endpoint } from "../router/dialect.ts";
import { objectOf } from "../router/json.ts";
import { estimateTokens, NO_USAGE } from "../router/usage.ts";
import { ChunksToMessage, chatToMessage } from "./chat-answer.ts";
import { chatToMessages } from "./chat-request.ts";
import { MessageToChunks, messageToChat } from "./message-answer.ts";
import { type LimitKey, messagesToChat } from "./message-request.ts";
import { chatToResponse } from "./response-answer.ts";
import { ChunksToResponse, MessageToResponse } from "./response-events.ts";
import { responsesToChat } from "./response-request.ts";

/** Finds one. `model`: as the client calls it, which is how answers name it. Undefined: the family has nothing like it. */
export function translated(endpoint: Endpoint, provider: Provider, model: string): Dialect | undefined {
  if (endpoint === "chat") {
    return {
      path: "/v1/messages",
      speaks: "messages",
      request: chatToMessages,
      answer: (message) => messageToChat(message, model),
      events: (asked) => new MessageToChunks(model, objectOf(asked.stream_options)?.include_usage === true),
    };
  }
  if (endpoint === "messages") {
    return {
      path: "/chat/completions",
      speaks: "chat",
      request: (body, asked) => messagesToChat(body, asked, limitKey(provider)),
      answer: (completion) => chatToMessage(completion, model),
      events: () => new ChunksToMessage(model),
    };
  }
  if (endpoint === "responses") return responsesTo(provider, model);
  if (endpoint !== "count_tokens") return undefined;
  return {
    path: "",
    speaks: "messages",
    // Nobody in this family counts ahead.
    atHome: (bytes) => ({ json: { input_tokens: estimateTokens(bytes) }, usage: { ...NO_USAGE, estimated: true } }),
    request: (body) => body,
    answer: (json) => ({ json }),
    events: () => new ChunksToMessage(model),
  };
}

/** What asks for a response becomes a chat completion; for Anthropic's family that becomes a message. */
function responsesTo(provider: Provider, model: string): Dialect {
  if (provider.family === "openai") {
    return {
      path: "/chat/completions",
      speaks: "chat",
      request: (body, asked) => responsesToChat(body, asked, limitKey(provider)),
      answer: (completion, asked) => chatToResponse(completion, asked, model),
      events: (asked) => new ChunksToResponse(asked, model),
    };
  }
  return {
    path: "/v1/messages",
    speaks: "messages",
    request: (body, asked) => chatToMessages(responsesToChat(body, asked, "max_completion_tokens"), asked),
    answer: (message, asked) => {
      const { json, usage } = messageToChat(message, model);
      return { json: chatToResponse(json, asked, model).json, usage };
    },
    events: (asked) => new MessageToResponse(asked, model),
  };
}

function limitKey({ baseUrl }: Provider): LimitKey {
  return baseUrl === KINDS.openai.baseUrl ? "max_completion_tokens" : "max_tokens";
}
