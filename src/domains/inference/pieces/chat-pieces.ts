/**
 * Pieces of chat completions, and of completions.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import { isList, type JsonObject, numberOf, objectOf, objectsOf, parseJson, textOf } from "../router/json.ts";
import { DataFilter, mapObjects, type Piece, withKey } from "./piece.ts";
import { onePartEach } from "./split-chunk.ts";

/** Where what is said stands, and what is only thought: servers have several names for that. */
export const SPOKEN: readonly (readonly [key: string, kind: Piece["kind"]])[] = [
  ["content", "text"],
  ["refusal", "text"],
  ["reasoning_content", "thought"],
  ["reasoning", "thought"],
];

/** Looks at chunks. */
export class ChatPieces extends DataFilter {
  readonly #tools = new Map<string, string>();
  /** Everything of a chunk but its choices. */
  #frame: JsonObject = {};

  override async take(event: ServerEvent): Promise<readonly ServerEvent[]> {
    const chunk = this.hearsEnds ? objectOf(parseJson(event.data ?? "")) : undefined;
    if (chunk === undefined) return super.take(event);
    const { choices: _, usage: __, ...frame } = chunk;
    this.#frame = frame;
    const passed: ServerEvent[] = [];
    for (const each of onePartEach(chunk)) {
      const one = each === chunk ? event : { ...event, data: JSON.stringify(each) };
      passed.push(...(await super.take(one)));
    }
    return passed;
  }

  /** Another part of a choice has begun, or the choice is over. */
  protected override endedBy(chunk: JsonObject | undefined, { data }: ServerEvent): readonly string[] {
    if (chunk === undefined) return data === "[DONE]" ? this.open : [];
    return objectsOf(chunk.choices).flatMap((choice) => {
      const place = String(numberOf(choice.index) ?? 0);
      const isOver = textOf(choice.finish_reason) !== undefined;
      const part = partOf(choice, place);
      if (part === undefined && !isOver) return [];
      return this.open.filter((each) => each.startsWith(`${place}:`) && each !== part);
    });
  }

  protected override more({ part, text }: Piece): ServerEvent {
    const [place, key = "", index] = part.split(":");
    const choice = { index: Number(place), finish_reason: null };
    const called = { arguments: text };
    const delta =
      key !== "tool"
        ? { [key]: text }
        : index === undefined
          ? { function_call: called }
          : { tool_calls: [{ index: Number(index), function: called }] };
    const said = key === "text" ? { ...choice, text } : { ...choice, delta };
    return { data: JSON.stringify({ ...this.#frame, choices: [said] }) };
  }

  protected override async data(chunk: JsonObject): Promise<JsonObject> {
    if (!isList(chunk.choices)) return chunk;
    const choices = await mapObjects(chunk.choices, async (choice) => {
      const place = String(numberOf(choice.index) ?? 0);
      let made = await this.field(choice, "text", { kind: "text", part: `${place}:text` });
      for (const key of ["delta", "message"]) {
        const delta = objectOf(choice[key]);
        if (delta !== undefined) made = withKey(made, key, await this.#delta(delta, place));
      }
      return made;
    });
    return withKey(chunk, "choices", choices);
  }

  async #delta(delta: JsonObject, place: string): Promise<JsonObject> {
    let made = delta;
    for (const [key, kind] of SPOKEN) {
      const piece = { kind, part: `${place}:${key}` };
      const parts = made[key];
      if (!isList(parts)) made = await this.field(made, key, piece);
      // Some servers say it in parts.
      else made = withKey(made, key, await mapObjects(parts, (part) => this.field(part, "text", piece)));
    }
    const called = objectOf(made.function_call);
    if (called !== undefined) made = withKey(made, "function_call", await this.#call(called, `${place}:tool`));
    if (!isList(made.tool_calls)) return made;
    const calls = await mapObjects(made.tool_calls, async (call, at) => {
      const called = objectOf(call.function);
      if (called === undefined) return call;
      return withKey(call, "function", await this.#call(called, `${place}:tool:${numberOf(call.index) ?? at}`));
    });
    return withKey(made, "tool_calls", calls);
  }

  #call(called: JsonObject, part: string): Promise<JsonObject> {
    const name = textOf(called.name);
    if (name !== undefined && name !== "" && !this.#tools.has(part)) {
      this.#tools.set(part, name);
      this.held += part.length + name.length;
    }
    return this.field(called, "arguments", { kind: "tool", part, tool: this.#tools.get(part) });
  }
}

/** The part that a choice of a chunk with no more than one is about. */
function partOf(choice: JsonObject, place: string): string | undefined {
  if (typeof choice.text === "string" && choice.text !== "") return `${place}:text`;
  const delta = objectOf(choice.delta) ?? objectOf(choice.message) ?? {};
  const spoken = SPOKEN.find(([key]) => delta[key] !== "" && (typeof delta[key] === "string" || isList(delta[key])));
  if (spoken !== undefined) return `${place}:${spoken[0]}`;
  if (objectOf(delta.function_call) !== undefined) return `${place}:tool`;
  const [call] = objectsOf(delta.tool_calls);
  return call === undefined ? undefined : `${place}:tool:${numberOf(call.index) ?? 0}`;
}
