/**
 * Pieces of answers of the Responses API, which says everything several times: in pieces, when a part is over, when its item
 * is, and at the end. What was made of the pieces stands in all of them.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import { isList, type Json, type JsonObject, numberOf, objectOf, parseJson, textOf } from "../router/json.ts";
import { DataFilter, mapObjects, type Piece, withKey } from "./piece.ts";

/** The texts of an item that are no parts of a list. */
const FLAT = ["arguments", "input", "code"] as const;

/** The keys that a part, or the end of one, has its text under. */
const TEXTS = ["text", "refusal", "transcript", ...FLAT] as const;

/** What the place of a part takes, in characters. */
const PLACE_HELD = 256;

/** Looks at events. */
export class ResponsePieces extends DataFilter {
  /** What was passed on of each part. */
  readonly #passed = new Map<string, string>();
  readonly #tools = new Map<string, string>();
  /** Where each part stands in the answer. */
  readonly #places = new Map<string, JsonObject>();
  /** How many events were put between the provider's. */
  #added = 0;

  override async take(event: ServerEvent): Promise<readonly ServerEvent[]> {
    const before = this.#added;
    const passed = await super.take(event);
    const own = passed.at(-1);
    if (this.#added === 0 || own?.data === undefined) return passed;
    const data = objectOf(parseJson(own.data));
    const number = numberOf(data?.sequence_number);
    if (data === undefined || number === undefined) return passed;
    const counted = passed.slice(0, -1).map((each, index) => numbered(each, number + before + index));
    return [...counted, numbered(own, number + this.#added)];
  }

  /** A part, an item or all of it is told once more. */
  protected override endedBy(data: JsonObject = {}): readonly string[] {
    const type = textOf(data.type) ?? "";
    const output = String(data.output_index ?? 0);
    if (/^response\.(?:completed|incomplete|failed)$/.test(type)) return this.open;
    if (!type.endsWith(".done")) return [];
    if (type === "response.output_item.done") return this.open.filter((each) => each.startsWith(`${output}:`));
    return [placeOf(data, type, output)];
  }

  protected override more({ part, text }: Piece): ServerEvent {
    this.#added++;
    this.#note(part, (this.#passed.get(part) ?? "") + text);
    const place = this.#places.get(part) ?? {};
    return { event: textOf(place.type) ?? "", data: JSON.stringify({ ...place, delta: text }) };
  }

  protected override async data(data: JsonObject): Promise<JsonObject> {
    const type = textOf(data.type) ?? "";
    const output = String(data.output_index ?? 0);
    if (type.startsWith("response.audio.")) return data;
    if (typeof data.delta === "string") return this.#delta(data, type, output);
    let made = data;
    const item = objectOf(made.item);
    if (item !== undefined) made = withKey(made, "item", await this.#item(item, output));
    const response = objectOf(made.response);
    if (response !== undefined && isList(response.output)) {
      const items = await mapObjects(response.output, (each, index) => this.#item(each, String(index)));
      made = withKey(made, "response", withKey(response, "output", items));
    }
    const place = placeOf(data, type, output);
    const part = objectOf(made.part);
    if (part !== undefined) made = withKey(made, "part", await this.#texts(part, place, kindOf(type)));
    return type.endsWith(".done") ? this.#texts(made, place, kindOf(type)) : made;
  }

  async #delta(data: JsonObject, type: string, output: string): Promise<JsonObject> {
    const part = placeOf(data, type, output);
    if (this.hearsEnds) this.#place(part, data);
    const kind = kindOf(type);
    const tool = kind === "tool" ? { tool: this.#tools.get(output) } : {};
    const made = await this.field(data, "delta", { kind, part, ...tool });
    this.#note(part, (this.#passed.get(part) ?? "") + (textOf(made.delta) ?? ""));
    return made;
  }

  async #item(item: JsonObject, output: string): Promise<JsonObject> {
    const name = textOf(item.name);
    if (name !== undefined) this.#tools.set(output, name);
    let made = item;
    for (const key of FLAT) made = await this.#text(made, key, `${output}:${key}`, "tool", output);
    for (const [list, kind] of [
      ["content", item.type === "reasoning" ? "thought" : "text"],
      ["summary", "thought"],
    ] as const) {
      const parts: Json | undefined = made[list];
      if (!isList(parts)) continue;
      const changed = await mapObjects(parts, (part, index) => this.#texts(part, `${output}:${list}:${index}`, kind));
      made = withKey(made, list, changed);
    }
    return made;
  }

  async #texts(owner: JsonObject, place: string, kind: Piece["kind"]): Promise<JsonObject> {
    let made = owner;
    for (const key of TEXTS) made = await this.#text(made, key, place, kind, place.split(":")[0] ?? "");
    return made;
  }

  /** A text that was told in pieces is what became of them; another is asked about as it is. */
  async #text(owner: JsonObject, key: string, part: string, kind: Piece["kind"], output: string): Promise<JsonObject> {
    if (typeof owner[key] !== "string" || owner[key] === "") return owner;
    const known = this.#passed.get(part);
    if (known !== undefined) return withKey(owner, key, known);
    const tool = kind === "tool" ? { tool: this.#tools.get(output) } : {};
    const asked = await this.field(owner, key, { kind, part, ...tool });
    const rest = await this.endOf(part);
    const made = rest === "" ? asked : { ...asked, [key]: `${textOf(asked[key]) ?? ""}${rest}` };
    this.#note(part, textOf(made[key]) ?? "");
    return made;
  }

  #place(part: string, { delta: _, sequence_number: __, obfuscation: ___, ...place }: JsonObject): void {
    if (this.#places.has(part)) return;
    this.#places.set(part, place);
    this.held += PLACE_HELD;
  }

  #note(part: string, text: string): void {
    this.held += text.length - (this.#passed.get(part)?.length ?? -part.length);
    this.#passed.set(part, text);
  }
}

function placeOf({ content_index: content, summary_index: summary }: JsonObject, type: string, output: string): string {
  if (summary !== undefined) return `${output}:summary:${String(summary)}`;
  if (content !== undefined) return `${output}:content:${String(content)}`;
  return `${output}:${FLAT.find((key) => type.includes(key)) ?? type.replace(/\.(?:delta|done)$/, "")}`;
}

function kindOf(type: string): Piece["kind"] {
  if (type.includes("reasoning")) return "thought";
  return FLAT.some((key) => type.includes(key)) ? "tool" : "text";
}

function numbered(event: ServerEvent, sequence_number: number): ServerEvent {
  const data = objectOf(parseJson(event.data ?? ""));
  return data === undefined ? event : { ...event, data: JSON.stringify({ ...data, sequence_number }) };
}
