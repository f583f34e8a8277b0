/**
 * Models that say what a script tells them: servers of the three languages that agents speak, which stream.
 */
import type { ModelRequest, Reply } from "../inference/model-server.ts";
import { stream } from "../inference/model-server.ts";

/** What a model says in one turn: a call of a tool, or a text, which is its last. */
export type Step =
  | { readonly tool: string; readonly input: Readonly<Record<string, unknown>> | string }
  | { readonly text: string };

/** The turn that a request asks for: one more than it has results of tools. */
function stepOf(steps: readonly Step[], results: number): Step {
  return steps[results] ?? { text: "There is nothing left to do." };
}

interface Event extends Readonly<Record<string, unknown>> {
  readonly type: string;
}

const events = (list: readonly Event[]): string =>
  list.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join("");

/** A model of Anthropic's API. */
export function messagesModel(...steps: readonly Step[]): Reply {
  return (request, response) => {
    const { model } = request.body;
    const blocks = request.body.messages.flatMap(({ content }: { content: unknown }) => content);
    const step = stepOf(steps, blocks.filter(({ type }: { type?: string }) => type === "tool_result").length);
    const isText = "text" in step;
    const block = isText
      ? { type: "text", text: "" }
      : { type: "tool_use", id: `toolu_${blocks.length}`, name: step.tool, input: {} };
    const delta = isText
      ? { type: "text_delta", text: step.text }
      : { type: "input_json_delta", partial_json: JSON.stringify(step.input) };
    const message = { id: "msg_1", type: "message", role: "assistant", model, content: [], stop_reason: null };
    const text = events([
      {
        type: "message_start",
        message: { ...message, stop_sequence: null, usage: { input_tokens: 10, output_tokens: 1 } },
      },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta },
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: isText ? "end_turn" : "tool_use", stop_sequence: null },
        usage: { output_tokens: 20 },
      },
      { type: "message_stop" },
    ]);
    stream(text)(request, response);
  };
}

/** A model of OpenAI's chat completions. */
export function chatModel(...steps: readonly Step[]): Reply {
  return (request, response) => {
    const { model, messages } = request.body;
    const results = messages.filter(({ role }: { role: string }) => role === "tool").length;
    const step = stepOf(steps, results);
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model };
    const said = (delta: object, reason: string | null = null) => {
      return { ...chunk, choices: [{ index: 0, delta, finish_reason: reason }] };
    };
    const call = (part: object) => ({ tool_calls: [{ index: 0, ...part }] });
    const pieces =
      "text" in step
        ? [said({ role: "assistant", content: step.text }), said({}, "stop")]
        : [
            said({ role: "assistant", content: null }),
            said(call({ id: `call_${results}`, type: "function", function: { name: step.tool, arguments: "" } })),
            said(call({ function: { arguments: JSON.stringify(step.input) } })),
            said({}, "tool_calls"),
          ];
    const usage = { ...chunk, choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } };
    const lines = [...pieces, usage].map((each) => `data: ${JSON.stringify(each)}\n\n`);
    stream(`${lines.join("")}data: [DONE]\n\n`)(request, response);
  };
}

/** A model of OpenAI's responses. A call with a text for its input is one of a custom tool. */
export function responsesModel(...steps: readonly Step[]): Reply {
  return (request, response) => {
    const { model, input } = request.body;
    const results = input.filter(({ type = "" }: { type?: string }) => type.endsWith("_output")).length;
    const item = itemOf(stepOf(steps, results), results);
    const base = { id: `resp_${results}`, object: "response", created_at: 1, model };
    const usage = { input_tokens: 10, output_tokens: 20, total_tokens: 30 };
    const details = { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
    const list = [
      { type: "response.created", response: { ...base, status: "in_progress", output: [] } },
      { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } },
      { type: "response.output_item.done", output_index: 0, item },
      {
        type: "response.completed",
        response: { ...base, status: "completed", output: [item], usage: { ...usage, ...details } },
      },
    ];
    stream(events(list.map((each, at) => ({ ...each, sequence_number: at }))))(request, response);
  };
}

function itemOf(step: Step, results: number): object {
  if ("text" in step) {
    const content = [{ type: "output_text", text: step.text, annotations: [] }];
    return { type: "message", id: "msg_1", role: "assistant", status: "completed", content };
  }
  const call = { call_id: `call_${results}`, name: step.tool, status: "completed" };
  return typeof step.input === "string"
    ? { type: "custom_tool_call", id: `ctc_${results}`, ...call, input: step.input }
    : { type: "function_call", id: `fc_${results}`, ...call, arguments: JSON.stringify(step.input) };
}

/** What the tools said that an agent ran, in the words of any of the three. */
export function toolResults({ body }: ModelRequest): string {
  return JSON.stringify(body.input ?? body.messages);
}
