/**
 * The dialects that lead from one family to the other.
 *
 * @module
 */
import { KINDS } from "../providers/kinds.ts";
import type { Provider } from "../providers/read.ts";
import type { Dialect, Endpoint } from "../router/dialect.ts";
import { objectOf } from "../router/json.ts";
import { estimateTokens, NO_USAGE } from "../router/usage.ts";
import { ChunksToMessage, chatToMessage } from "./chat-answer.ts";
import { chatToMessages } from "./chat-request.ts";
import { MessageToChunks, messageToChat } from "./message-answer.ts";
import { messagesToChat } from "./message-request.ts";

/** Finds one. `model`: as the client calls it, which is how answers name it. Undefined: the family has nothing like it. */
export function translated(endpoint: Endpoint, provider: Provider, model: string): Dialect | undefined {
  if (endpoint === "chat") {
    return {
      path: "/v1/messages",
      request: chatToMessages,
      answer: (message) => messageToChat(message, model),
      events: (asked) => new MessageToChunks(model, objectOf(asked.stream_options)?.include_usage === true),
    };
  }
  if (endpoint === "messages") {
    const isOpenai = provider.baseUrl === KINDS.openai.baseUrl;
    return {
      path: "/chat/completions",
      request: (body, asked) => messagesToChat(body, asked, isOpenai ? "max_completion_tokens" : "max_tokens"),
      answer: (completion) => chatToMessage(completion, model),
      events: () => new ChunksToMessage(model),
    };
  }
  if (endpoint !== "count_tokens") return undefined;
  return {
    path: "",
    // Nobody in this family counts ahead.
    atHome: (bytes) => ({ json: { input_tokens: estimateTokens(bytes) }, usage: { ...NO_USAGE, estimated: true } }),
    request: (body) => body,
    answer: (json) => ({ json }),
    events: () => new ChunksToMessage(model),
  };
}
