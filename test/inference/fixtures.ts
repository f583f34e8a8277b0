/**
 * Answers of the shape that the two APIs have, as events and as a whole. Written by hand after their references.
 */

/** Writes events of the OpenAI family. */
export const chunks = (...data: readonly object[]): string =>
  `${data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`;

/** Writes events of Anthropic's API. */
export const events = (...data: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[]): string =>
  data.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join("");

const CHUNK = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1700000000, model: "served-model" };

const choice = (delta: object, finish_reason: string | null = null) => ({
  ...CHUNK,
  choices: [{ index: 0, delta, finish_reason }],
});

const CHAT_USAGE = {
  prompt_tokens: 20,
  completion_tokens: 7,
  total_tokens: 27,
  prompt_tokens_details: { cached_tokens: 4 },
};

/** A text in pieces. */
export const CHAT_TEXT: string = chunks(
  choice({ role: "assistant", content: "" }),
  choice({ content: "Hello" }),
  choice({ content: ", wörld" }),
  choice({}, "stop"),
  { ...CHUNK, choices: [], usage: CHAT_USAGE },
);

/** A few words, and two calls of tools. */
export const CHAT_TOOLS: string = chunks(
  choice({ role: "assistant", content: "I look." }),
  choice({
    tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: "weather", arguments: "" } }],
  }),
  choice({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  choice({ tool_calls: [{ index: 0, function: { arguments: '"Ulm"}' } }] }),
  choice({
    tool_calls: [{ index: 1, id: "call_b", type: "function", function: { name: "time", arguments: "{}" } }],
  }),
  choice({}, "tool_calls"),
  { ...CHUNK, choices: [], usage: CHAT_USAGE },
);

export const CHAT_WHOLE = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1700000000,
  model: "served-model",
  choices: [
    { index: 0, message: { role: "assistant", content: "Hello, wörld", refusal: null }, finish_reason: "stop" },
  ],
  usage: CHAT_USAGE,
};

export const CHAT_WHOLE_TOOLS = {
  ...CHAT_WHOLE,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: null,
        tool_calls: [
          { id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Ulm"}' } },
          { id: "call_b", type: "function", function: { name: "time", arguments: "{}" } },
        ],
      },
      finish_reason: "tool_calls",
    },
  ],
};

const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "served-model",
  content: [],
  stop_reason: null,
  stop_sequence: null,
};

const START = {
  type: "message_start",
  message: { ...message, usage: { input_tokens: 16, cache_read_input_tokens: 4, output_tokens: 1 } },
};

const ended = (stop_reason: string) => [
  { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: "message_stop" },
];

/** A text in pieces, with a ping between. */
export const MESSAGE_TEXT: string = events(
  START,
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "ping" },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: ", wörld" } },
  { type: "content_block_stop", index: 0 },
  ...ended("end_turn"),
);

/** A thought, a few words, and two calls of tools. */
export const MESSAGE_TOOLS: string = events(
  START,
  { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "I look." } },
  { type: "content_block_stop", index: 1 },
  {
    type: "content_block_start",
    index: 2,
    content_block: { type: "tool_use", id: "toolu_a", name: "weather", input: {} },
  },
  { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '{"city":' } },
  { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '"Ulm"}' } },
  { type: "content_block_stop", index: 2 },
  {
    type: "content_block_start",
    index: 3,
    content_block: { type: "tool_use", id: "toolu_b", name: "time", input: {} },
  },
  { type: "content_block_stop", index: 3 },
  ...ended("tool_use"),
);

export const MESSAGE_WHOLE = {
  ...message,
  content: [{ type: "text", text: "Hello, wörld" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 16, cache_read_input_tokens: 4, output_tokens: 7 },
};

export const MESSAGE_WHOLE_TOOLS = {
  ...MESSAGE_WHOLE,
  content: [
    { type: "text", text: "I look." },
    { type: "tool_use", id: "toolu_a", name: "weather", input: { city: "Ulm" } },
    { type: "tool_use", id: "toolu_b", name: "time", input: {} },
  ],
  stop_reason: "tool_use",
};
