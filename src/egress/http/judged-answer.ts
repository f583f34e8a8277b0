/**
 * Answers of hosts that speak JSON-RPC, or that send events: what they say is judged before the program hears it.
 *
 * @module
 */
import { Readable } from "node:stream";
import {
  type ContentProblem,
  isObject,
  type Json,
  member,
  type RpcMessage,
  readJson,
  readRpc,
  readText,
} from "../../policy/http/mod.ts";
import type { MessageDecision, MessageJudge } from "./connection.ts";
import type { ContentBudget } from "./content.ts";
import type { Denial } from "./denial.ts";
import { readEvents, type ServerEvent, writeEvent } from "./event-stream.ts";
import type { UpstreamRequest, UpstreamResponse } from "./exchange.ts";
import { valuesOf } from "./headers.ts";

/** The longest JSON of a host that is judged, in bytes. */
export const ANSWER_MAX: number = 8 * 1_048_576;

/** Asks for an answer that can be read. */
export function withoutCoding(request: UpstreamRequest): UpstreamRequest {
  const headers = request.headers.filter(([name]) => name.toLowerCase() !== "accept-encoding");
  return { ...request, headers: [...headers, ["Accept-Encoding", "identity"]] };
}

/** The answer, as far as it is allowed; a denial in its place. Answers that are neither JSON nor events carry no messages. */
export async function judgeAnswer(
  response: UpstreamResponse,
  judge: MessageJudge,
  budget: ContentBudget,
): Promise<UpstreamResponse | Denial> {
  const [type = "", ...others] = valuesOf(response.headers, "content-type");
  const kind = /^text\/event-stream[ \t]*(?:;|$)/i.test(type)
    ? "events"
    : /^application\/(?:[\w.-]+\+)?json[ \t]*(?:;|$)/i.test(type) && judge.speaksRpc
      ? "json"
      : undefined;
  const coded = valuesOf(response.headers, "content-encoding").some((coding) => !/^\s*(?:identity)?\s*$/i.test(coding));
  if (kind === undefined && others.length === 0) {
    return response;
  }
  if (coded || others.length > 0) return refuse(response, judge, "its encoding or type cannot be told");
  return kind === "events" ? judgeEvents(response, judge, budget) : judgeJson(response, judge, budget);
}

function refuse({ body }: UpstreamResponse, judge: MessageJudge, problem: string): Denial {
  const reason = `the host's answer cannot be judged: ${problem}`;
  body.stream.destroy();
  judge.broken("from-host", reason);
  return { error: "denied", reason, judged: true };
}

function judgeEvents(response: UpstreamResponse, judge: MessageJudge, budget: ContentBudget): UpstreamResponse {
  async function* judged(): AsyncGenerator<string> {
    try {
      for await (const event of readEvents(response.body.stream, budget)) {
        const passed = await judgeEvent(event, judge);
        if (passed !== undefined) yield writeEvent(passed);
      }
    } catch (error) {
      // A host that breaks off has said nothing wrong.
      if (!response.body.stream.errored)
        judge.broken("from-host", "the host's events cannot be read: they are no UTF-8, or too long");
      throw error;
    }
  }
  const stream = Readable.from(judged(), { objectMode: false });
  return { ...response, headers: withoutLength(response), body: { ...response.body, stream } };
}

/** An event as it is passed on; undefined: it is not. */
async function judgeEvent(event: ServerEvent, judge: MessageJudge): Promise<ServerEvent | undefined> {
  const { data } = event;
  if (data === undefined) return event;
  const isMessage = event.event === undefined || event.event === "message";
  let text = data;
  let messages: readonly RpcMessage[] = [];
  if (judge.speaksRpc && isMessage && data !== "") {
    const read = readMessages(data, judge);
    if ("problem" in read) return denied(event, "it is no JSON-RPC", judge);
    messages = read.messages;
    if (read.isCut) text = JSON.stringify(read.isBatch ? read.parts : read.parts[0]);
  } else if (judge.speaksRpc && !isMessage && event.event !== "endpoint") {
    return denied(event, "it is of a type that MCP does not know", judge);
  }
  const said = messages.map((item) => ({ language: "rpc", item }) as const);
  const raw = { direction: "from-host", kind: "event", data: text, event: event.event ?? "message" } as const;
  const decision = await judge.judge(said, raw);
  if (!decision.allowed) return { comment: ` denied: ${decision.reason.replace(/[\r\n\0]/g, " ")}` };
  return { ...event, data: replaced(decision, text) };
}

function denied(event: ServerEvent, why: string, judge: MessageJudge): ServerEvent {
  judge.broken("from-host", `an event of type ${JSON.stringify((event.event ?? "message").slice(0, 64))}: ${why}`);
  return { comment: ` denied: ${why}` };
}

function replaced({ replacement }: Extract<MessageDecision, { allowed: true }>, text: string): string {
  if (replacement === undefined) return text;
  return typeof replacement === "string" ? replacement : Buffer.from(replacement).toString();
}

async function judgeJson(
  response: UpstreamResponse,
  judge: MessageJudge,
  budget: ContentBudget,
): Promise<UpstreamResponse | Denial> {
  const bytes = await collect(response.body.stream, budget);
  if (typeof bytes === "string") return refuse(response, judge, bytes);
  const release = () => budget.give(bytes.length);
  try {
    const judged = await judgeBytes(response, judge, bytes);
    // A program that does not read its answer holds it.
    if ("error" in judged) release();
    else judged.body.stream.once("close", release);
    return judged;
  } catch (error) {
    release();
    throw error;
  }
}

async function judgeBytes(
  response: UpstreamResponse,
  judge: MessageJudge,
  bytes: Buffer,
): Promise<UpstreamResponse | Denial> {
  if (bytes.length === 0) return withBody(response, bytes);
  const read = readText(bytes);
  const spoken = "problem" in read ? read : readMessages(read.text, judge);
  if ("problem" in spoken) {
    // An error of the host's own, and not of its JSON-RPC.
    return response.status >= 400 ? withBody(response, bytes) : refuse(response, judge, spoken.problem);
  }
  const passed: Json[] = [];
  for (const [at, item] of spoken.messages.entries()) {
    const json = spoken.parts[at] ?? null;
    const data = JSON.stringify(json);
    const decision = await judge.judge([{ language: "rpc", item }], { direction: "from-host", kind: "text", data });
    if (!decision.allowed) {
      return { error: "denied", reason: decision.reason, ruleId: decision.ruleId, judged: true };
    }
    const changed = decision.replacement === undefined ? { value: json } : readJson(replaced(decision, data));
    if ("problem" in changed) return refuse(response, judge, `what a hook made of it: ${changed.problem}`);
    passed.push(changed.value);
  }
  const isSame = !spoken.isCut && passed.every((each, at) => each === spoken.parts[at]);
  const text = JSON.stringify(spoken.isBatch ? passed : passed[0]);
  return withBody(response, isSame ? bytes : Buffer.from(text));
}

function withBody(response: UpstreamResponse, bytes: Buffer): UpstreamResponse {
  const stream = Readable.from([bytes], { objectMode: false });
  return { ...response, headers: withoutLength(response), body: { ...response.body, stream } };
}

async function collect(stream: Readable, budget: ContentBudget): Promise<Buffer | string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > ANSWER_MAX || !budget.take(chunk.length)) {
      budget.give(bytes);
      return `it has more than ${ANSWER_MAX} bytes, or too many wait to be judged`;
    }
    bytes += chunk.length;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface SpokenMessages {
  readonly messages: readonly RpcMessage[];
  /** The same, as they are passed on: lists of tools are cut down to what may be called. */
  readonly parts: readonly Json[];
  readonly isBatch: boolean;
  /** Whether something was cut. */
  readonly isCut: boolean;
}

function readMessages(text: string, judge: MessageJudge): SpokenMessages | ContentProblem {
  const json = readJson(text);
  if ("problem" in json) return json;
  const messages = readRpc(json.value, "from-host");
  if ("problem" in messages) return messages;
  const isBatch = Array.isArray(json.value);
  const whole = isBatch ? (json.value as readonly Json[]) : [json.value];
  const parts = whole.map((each) => withoutTools(each, judge));
  return { messages, parts, isBatch, isCut: parts.some((each, at) => each !== whole[at]) };
}

/** Only an answer to `tools/list` has `tools` in its result. */
function withoutTools(message: Json, judge: MessageJudge): Json {
  const result = isObject(message) ? member(message, "result") : undefined;
  const tools = isObject(result) ? member(result, "tools") : undefined;
  if (!isObject(message) || !isObject(result) || !Array.isArray(tools)) return message;
  const shown = (tools as readonly Json[]).filter((tool) => {
    const name = isObject(tool) ? member(tool, "name") : undefined;
    return typeof name !== "string" || judge.knowsTool(name);
  });
  return shown.length === tools.length ? message : { ...message, result: { ...result, tools: shown } };
}

function withoutLength({ headers }: UpstreamResponse): UpstreamResponse["headers"] {
  return headers.filter(([name]) => !/^(?:content-length|etag|content-md5|digest|content-digest)$/i.test(name));
}
