/**
 * Pieces of chat completions, and of completions.
 *
 * @module
 */
import { isList, type JsonObject, numberOf, objectOf, textOf } from "../router/json.ts";
import { DataFilter, mapObjects, type Piece, withKey } from "./piece.ts";

/** Where what is said stands, and what is only thought: servers have several names for that. */
const SPOKEN: readonly (readonly [key: string, kind: Piece["kind"]])[] = [
  ["content", "text"],
  ["refusal", "text"],
  ["reasoning_content", "thought"],
  ["reasoning", "thought"],
];

/** Looks at chunks. */
export class ChatPieces extends DataFilter {
  readonly #tools = new Map<string, string>();

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
