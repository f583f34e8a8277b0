/**
 * An answer of the Responses API in pieces: what is said and called, as its numbered events.
 *
 * Everything that came out is told once more when its item is over, and again at the end, so it is held until then.
 *
 * @module
 */
import type { CallFailure } from "../router/errors.ts";
import { openaiError } from "../router/errors.ts";
import type { JsonObject } from "../router/json.ts";
import type { Usage } from "../router/usage.ts";
import { incompleteReason, messageItem, ResponseFrame, spokenPart } from "./response-answer.ts";
import { callItem, callItemId, ResponseTools, type ToolFacts } from "./response-tools.ts";
import { freshId } from "./words.ts";

type SpokenType = "output_text" | "refusal";

/** The item that is being told. */
type OpenItem = { readonly id: string; text: string; frame?: readonly [head: string, tail: string] } & (
  | { readonly kind: "spoken"; readonly type: SpokenType }
  | { readonly kind: "called"; readonly callId: string; readonly tool: ToolFacts }
);

/** How the event of something more that is said ends. */
const AFTER: Readonly<Record<SpokenType, string>> = { output_text: ',"logprobs":[]}', refusal: "}" };

/** What an item takes beside its text, in characters. */
const ITEM_HELD = 512;

/** Writes the events. */
export class ResponseWriter {
  /** What is held, in characters. */
  held: number;
  readonly #frame: ResponseFrame;
  readonly #tools: ResponseTools;
  readonly #output: JsonObject[] = [];
  #sequence = 0;
  #hasBegun = false;
  #open: OpenItem | undefined;

  constructor(asked: JsonObject, model: string) {
    this.#frame = new ResponseFrame(asked, model);
    this.held = this.#frame.held;
    this.#tools = new ResponseTools(asked);
  }

  /** The answer begins, unless it has. */
  begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    const response = this.#frame.with({ status: "in_progress", output: [] });
    return this.#event("response.created", { response }) + this.#event("response.in_progress", { response });
  }

  /** Something more is said. */
  say(type: SpokenType, delta: string): string {
    if (delta === "") return "";
    const open = this.#open;
    const isOpen = open?.kind === "spoken" && open.type === type;
    const begun = isOpen ? "" : this.#endItem("completed") + this.#beginSpoken(type);
    return begun + this.#delta(delta);
  }

  /** A tool is called; its arguments follow. */
  call(callId: string | undefined, name: string): string {
    const ended = this.#endItem("completed");
    const tool = this.#tools.of(name);
    this.#open = { id: callItemId(tool), text: "", kind: "called", callId: callId ?? freshId("call_"), tool };
    this.held += ITEM_HELD + name.length;
    return ended + this.#event("response.output_item.added", { ...this.#index(), item: this.#called("in_progress") });
  }

  /** More of the arguments of the call. What is no function is told when it is whole, for it is written otherwise. */
  argue(delta: string): string {
    const open = this.#open;
    if (open?.kind !== "called" || delta === "") return "";
    const told = this.#delta(delta);
    return open.tool.kind === "function" ? told : "";
  }

  /** The answer is over. `finish`: why, in the words of chat completions. */
  finish(finish: string | undefined, usage: Usage | undefined): string {
    const incomplete = incompleteReason(finish);
    const status = incomplete === undefined ? "completed" : "incomplete";
    const ended = this.begin() + this.#endItem(status);
    const end = { status, output: this.#output, usage, ...(incomplete === undefined ? {} : { incomplete }) } as const;
    return ended + this.#event(`response.${status}`, { response: this.#frame.with(end) });
  }

  /** The answer has failed. */
  fail(failure: CallFailure): string {
    const begun = this.begin();
    const { message, code, type } = openaiError(failure);
    const error = { code: code ?? type ?? "server_error", message };
    const response = this.#frame.with({ status: "failed", output: this.#output, error });
    return begun + this.#event("response.failed", { response });
  }

  #beginSpoken(type: SpokenType): string {
    const id = freshId("msg_");
    this.#open = { id, text: "", kind: "spoken", type };
    this.held += ITEM_HELD;
    return (
      this.#event("response.output_item.added", { ...this.#index(), item: messageItem(id, "in_progress", []) }) +
      this.#event("response.content_part.added", { ...this.#place(), content_index: 0, part: spokenPart(type, "") })
    );
  }

  #endItem(status: "completed" | "incomplete"): string {
    const open = this.#open;
    if (open === undefined) return "";
    const told = open.kind === "spoken" ? this.#spokenEnd(open.type, open.text) : this.#calledEnd(open.tool, open.text);
    const item =
      open.kind === "spoken" ? messageItem(open.id, status, [spokenPart(open.type, open.text)]) : this.#called(status);
    const done = told + this.#event("response.output_item.done", { ...this.#index(), item });
    this.#output.push(item);
    this.#open = undefined;
    return done;
  }

  #spokenEnd(type: SpokenType, text: string): string {
    const place = { ...this.#place(), content_index: 0 };
    const said =
      type === "refusal"
        ? this.#event("response.refusal.done", { ...place, refusal: text })
        : this.#event("response.output_text.done", { ...place, text, logprobs: [] });
    return said + this.#event("response.content_part.done", { ...place, part: spokenPart(type, text) });
  }

  #calledEnd({ kind, name }: ToolFacts, text: string): string {
    if (kind === "function") {
      return this.#event("response.function_call_arguments.done", { ...this.#place(), name, arguments: text });
    }
    if (kind !== "custom") return "";
    const { input = "" } = this.#called("completed");
    return (
      this.#event("response.custom_tool_call_input.delta", { ...this.#place(), delta: input }) +
      this.#event("response.custom_tool_call_input.done", { ...this.#place(), input })
    );
  }

  #called(status: "in_progress" | "completed" | "incomplete"): JsonObject {
    const open = this.#open;
    if (open?.kind !== "called") return {};
    return callItem({ itemId: open.id, callId: open.callId, tool: open.tool, arguments: open.text }, status);
  }

  /** Most events are these: what is the same in all of an item is written once. */
  #delta(delta: string): string {
    const open = this.#open;
    if (open === undefined) return "";
    open.text += delta;
    this.held += delta.length;
    if (open.kind === "called" && open.tool.kind !== "function") return "";
    const [head, tail] = this.#frameOf(open);
    return `${head}${this.#sequence++}${tail}${JSON.stringify(delta)}${open.kind === "called" ? "}" : AFTER[open.type]}\n\n`;
  }

  #frameOf(open: OpenItem): readonly [head: string, tail: string] {
    if (open.frame !== undefined) return open.frame;
    const type = open.kind === "called" ? "response.function_call_arguments.delta" : `response.${open.type}.delta`;
    const place = open.kind === "called" ? this.#place() : { ...this.#place(), content_index: 0 };
    const fields = JSON.stringify(place).slice(1, -1);
    open.frame = [`event: ${type}\ndata: {"type":"${type}","sequence_number":`, `,${fields},"delta":`];
    return open.frame;
  }

  #index(): { readonly output_index: number } {
    return { output_index: this.#output.length };
  }

  #place(): { readonly item_id: string; readonly output_index: number } {
    return { item_id: this.#open?.id ?? "", ...this.#index() };
  }

  #event(type: string, fields: JsonObject): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence++, ...fields })}\n\n`;
  }
}
