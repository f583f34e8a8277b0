/**
 * Pieces of messages of Anthropic's API.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import { CallFailure } from "../router/errors.ts";
import { isList, type Json, type JsonObject, objectOf, parseJson, textOf } from "../router/json.ts";
import { DataFilter, mapObjects, type Piece, withKey } from "./piece.ts";

const FIELDS: readonly (readonly [key: string, kind: Piece["kind"]])[] = [
  ["text", "text"],
  ["thinking", "thought"],
  ["partial_json", "tool"],
];

/** What a piece of each kind is told as. */
const DELTAS: Readonly<Record<Piece["kind"], readonly [type: string, key: string]>> = {
  text: ["text_delta", "text"],
  thought: ["thinking_delta", "thinking"],
  tool: ["input_json_delta", "partial_json"],
};

/** Looks at events. */
export class MessagePieces extends DataFilter {
  readonly #tools = new Map<string, string>();

  protected override endedBy({ type, index }: JsonObject = {}): readonly string[] {
    if (type === "content_block_stop") return [String(index ?? 0)];
    return type === "message_delta" || type === "message_stop" ? this.open : [];
  }

  protected override more({ kind, part, text }: Piece): ServerEvent {
    const [type, key] = DELTAS[kind];
    const data = { type: "content_block_delta", index: Number(part), delta: { type, [key]: text } };
    return { event: data.type, data: JSON.stringify(data) };
  }

  protected override async data(data: JsonObject): Promise<JsonObject> {
    const part = String(data.index ?? 0);
    const message = objectOf(data.message);
    if (message !== undefined && isList(message.content)) {
      const content = await mapObjects(message.content, (block, index) => this.#block(block, String(index)));
      return withKey(data, "message", withKey(message, "content", content));
    }
    const block = objectOf(data.content_block);
    if (block !== undefined) return withKey(data, "content_block", await this.#block(block, part));
    const delta = objectOf(data.delta);
    return delta === undefined ? data : withKey(data, "delta", await this.#fields(delta, part));
  }

  async #block(block: JsonObject, part: string): Promise<JsonObject> {
    const name = textOf(block.name);
    if (name !== undefined) {
      this.#tools.set(part, name);
      this.held += part.length + name.length;
    }
    const made = await this.#fields(block, part);
    const input = objectOf(made.input);
    if (input === undefined || Object.keys(input).length === 0) return made;
    return withKey(made, "input", await this.#input(input, part));
  }

  async #fields(owner: JsonObject, part: string): Promise<JsonObject> {
    let made = owner;
    for (const [key, kind] of FIELDS) {
      made = await this.field(made, key, { kind, part, ...(kind === "tool" ? { tool: this.#tools.get(part) } : {}) });
    }
    return made;
  }

  /** Arguments that come whole. */
  async #input(input: JsonObject, part: string): Promise<Json> {
    const text = JSON.stringify(input);
    const begun = await this.ask({ kind: "tool", part, text, tool: this.#tools.get(part) });
    const passed = begun + (await this.endOf(part));
    if (passed === text) return input;
    const made = passed === "" ? {} : objectOf(parseJson(passed));
    if (made === undefined) throw new CallFailure("upstream", "What a hook made of the arguments of a tool is no JSON");
    return made;
  }
}
