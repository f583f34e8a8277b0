/**
 * Chat completions as answers of the Responses API.
 *
 * @module
 */
import type { WholeAnswer } from "../router/dialect.ts";
import { CallFailure } from "../router/errors.ts";
import { type Json, type JsonObject, objectOf, objectsOf, textOf } from "../router/json.ts";
import { NO_USAGE, openaiUsage, type Usage } from "../router/usage.ts";
import { callItem, callItemId, ResponseTools } from "./response-tools.ts";
import { freshId } from "./words.ts";

/** How an answer ended. */
export interface AnswerEnd {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly output: readonly JsonObject[];
  readonly incomplete?: string;
  readonly usage?: Usage | undefined;
  readonly error?: JsonObject;
}

/** What an answer repeats of the request is no longer than this, in characters: it is in several events. */
const ECHO_MAX = 1_048_576;

/** Everything of an answer but what came out: it says again what was asked. */
export class ResponseFrame {
  /** How much of the request it holds, in characters. */
  readonly held: number;
  readonly #head: JsonObject;
  readonly #tail: JsonObject;

  constructor(asked: JsonObject, model: string) {
    const { instructions, text, tool_choice, tools, metadata } = asked;
    const length = JSON.stringify({ instructions, text, tool_choice, tools, metadata }).length;
    const echo: JsonObject = length > ECHO_MAX ? {} : { instructions, text, tool_choice, tools, metadata };
    this.held = Math.min(length, ECHO_MAX);
    this.#head = { id: freshId("resp_"), object: "response", created_at: Math.floor(Date.now() / 1000) };
    this.#tail = {
      instructions: echo.instructions ?? null,
      max_output_tokens: asked.max_output_tokens ?? null,
      model,
      parallel_tool_calls: asked.parallel_tool_calls ?? true,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: false,
      temperature: asked.temperature ?? null,
      text: echo.text ?? { format: { type: "text" } },
      tool_choice: echo.tool_choice ?? "auto",
      tools: echo.tools ?? [],
      top_p: asked.top_p ?? null,
      truncation: "disabled",
      user: null,
      metadata: echo.metadata ?? {},
    };
  }

  /** The whole answer. */
  with({ status, output, incomplete, usage, error }: AnswerEnd): JsonObject {
    return {
      ...this.#head,
      status,
      error: error ?? null,
      incomplete_details: incomplete === undefined ? null : { reason: incomplete },
      output,
      ...this.#tail,
      usage: status === "in_progress" || status === "failed" ? null : responseUsage(usage ?? NO_USAGE),
    };
  }
}

function responseUsage({ inputTokens, outputTokens, cachedTokens }: Usage): JsonObject {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

/** Why an answer is not whole, in the words of the Responses API. Undefined: it is. */
export function incompleteReason(finish: string | undefined): string | undefined {
  if (finish === "length") return "max_output_tokens";
  return finish === "content_filter" ? "content_filter" : undefined;
}

/** The item of what was said. */
export function messageItem(id: string, status: string, content: readonly Json[]): JsonObject {
  return { id, type: "message", status, role: "assistant", content };
}

/** What was said, as content of its item. */
export function spokenPart(type: "output_text" | "refusal", text: string): JsonObject {
  return type === "refusal" ? { type, refusal: text } : { type, annotations: [], logprobs: [], text };
}

/** A whole completion. @throws {CallFailure} If it makes no sense. */
export function chatToResponse(completion: JsonObject, asked: JsonObject, model: string): WholeAnswer {
  const [choice] = objectsOf(completion.choices);
  const message = objectOf(choice?.message);
  if (message === undefined) throw new CallFailure("upstream", "The provider's answer has no message");
  const incomplete = incompleteReason(textOf(choice?.finish_reason));
  const status = incomplete === undefined ? "completed" : "incomplete";
  const parts = (["output_text", "refusal"] as const).flatMap((type) => {
    const text = textOf(type === "refusal" ? message.refusal : message.content) ?? "";
    return text === "" ? [] : [spokenPart(type, text)];
  });
  const tools = new ResponseTools(asked);
  const calls = objectsOf(message.tool_calls).map(({ id, function: called }) => {
    const tool = tools.of(textOf(objectOf(called)?.name) ?? "");
    const text = textOf(objectOf(called)?.arguments) ?? "";
    const callId = textOf(id) ?? freshId("call_");
    return callItem({ itemId: callItemId(tool), callId, tool, arguments: text }, status);
  });
  const spoken = parts.length === 0 ? [] : [messageItem(freshId("msg_"), status, parts)];
  const usage = openaiUsage(completion.usage);
  const end = {
    status,
    output: [...spoken, ...calls],
    usage,
    ...(incomplete === undefined ? {} : { incomplete }),
  } as const;
  return { json: new ResponseFrame(asked, model).with(end), usage };
}
