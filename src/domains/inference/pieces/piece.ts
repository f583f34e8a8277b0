/**
 * Pieces of a streamed answer, whatever API the provider speaks.
 *
 * @module
 */
import type { ServerEvent } from "../../../egress/http/event-stream.ts";
import { type Json, type JsonObject, objectOf, parseJson } from "../router/json.ts";

/** A piece. */
export interface Piece {
  readonly kind: "text" | "thought" | "tool";
  /** Names the part of the answer. */
  readonly part: string;
  /** Never empty. */
  readonly text: string;
  /** The tool that is called, where that is known. */
  readonly tool?: string | undefined;
}

/** Says what is passed on in the place of a piece. @throws {CallFailure} If nothing may be. */
export type AskPiece = (piece: Piece) => Promise<string>;

/** Looks at the events of a provider. */
export interface PieceFilter {
  /** How many characters of the answer it holds. */
  readonly held: number;
  /** The event as it goes on. @throws {CallFailure} If it may not. */
  take(event: ServerEvent): Promise<ServerEvent>;
}

/** Looks at the data of events. */
export abstract class DataFilter implements PieceFilter {
  held = 0;
  readonly #ask: AskPiece;

  constructor(ask: AskPiece) {
    this.#ask = ask;
  }

  async take(event: ServerEvent): Promise<ServerEvent> {
    const data = event.data === undefined ? undefined : objectOf(parseJson(event.data));
    // What is no JSON is refused, or skipped, where it is relayed.
    if (data === undefined) return event;
    const passed = await this.data(data);
    return passed === data ? event : { ...event, data: JSON.stringify(passed) };
  }

  /** The data as it goes on: the same object where nothing was changed. */
  protected abstract data(data: JsonObject): Promise<JsonObject>;

  /** Asks about the text of a field, if it has one. */
  protected async field<T extends JsonObject>(owner: T, key: string, piece: Omit<Piece, "text">): Promise<T> {
    const text = owner[key];
    if (typeof text !== "string" || text === "") return owner;
    const passed = await this.#ask({ ...piece, text });
    return passed === text ? owner : { ...owner, [key]: passed };
  }

  protected ask(piece: Piece): Promise<string> {
    return this.#ask(piece);
  }
}

/** Changes the maps of a list one after the other. The same list where nothing was changed. */
export async function mapObjects(
  list: readonly Json[],
  change: (item: JsonObject, index: number) => Promise<JsonObject>,
): Promise<readonly Json[]> {
  const made: Json[] = [];
  let isChanged = false;
  for (const [index, item] of list.entries()) {
    const map = objectOf(item);
    const changed = map === undefined ? item : await change(map, index);
    isChanged ||= changed !== item;
    made.push(changed);
  }
  return isChanged ? made : list;
}

/** Puts another value in the place of a key, unless it is the same. */
export function withKey<T extends JsonObject>(owner: T, key: string, value: Json | undefined): T {
  return value === undefined || owner[key] === value ? owner : { ...owner, [key]: value };
}
