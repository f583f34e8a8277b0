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
  /** Never empty, unless it is the end of a part. */
  readonly text: string;
  /** The tool that is called, where that is known. */
  readonly tool?: string | undefined;
  /** Nothing more of the part follows, so nothing of it can be held any longer. */
  readonly end?: true;
}

/** Who is asked about pieces. */
export interface PieceHearer {
  /** Says what is passed on in the place of a piece. @throws {CallFailure} If nothing may be. */
  ask(piece: Piece): Promise<string>;
  /** Whether it is asked about the end of a part, too. */
  readonly hearsEnds: boolean;
}

/** Looks at the events of a provider. */
export interface PieceFilter {
  /** How many characters of the answer it holds. */
  readonly held: number;
  /** What goes on in the place of an event. @throws {CallFailure} If it may not. */
  take(event: ServerEvent): Promise<readonly ServerEvent[]>;
  /** What goes on when the provider has said everything. @throws {CallFailure} If it may not. */
  end(): Promise<readonly ServerEvent[]>;
}

/** Looks at the data of events. */
export abstract class DataFilter implements PieceFilter {
  held = 0;
  readonly #hearer: PieceHearer;
  /** The parts that somebody may hold something of, by their names. */
  readonly #open = new Map<string, Omit<Piece, "text">>();

  constructor(hearer: PieceHearer) {
    this.#hearer = hearer;
  }

  async take(event: ServerEvent): Promise<readonly ServerEvent[]> {
    const data = event.data === undefined ? undefined : objectOf(parseJson(event.data));
    const ended = this.#hearer.hearsEnds ? this.endedBy(data, event) : [];
    const rest = ended.length === 0 ? [] : await this.ending(ended);
    // What is no JSON is refused, or skipped, where it is relayed.
    if (data === undefined) return [...rest, event];
    const passed = await this.data(data);
    return [...rest, passed === data ? event : { ...event, data: JSON.stringify(passed) }];
  }

  async end(): Promise<readonly ServerEvent[]> {
    return this.ending([...this.#open.keys()]);
  }

  /** The data as it goes on: the same object where nothing was changed. */
  protected abstract data(data: JsonObject): Promise<JsonObject>;

  /** The parts of which nothing more follows once an event is there. */
  protected abstract endedBy(data: JsonObject | undefined, event: ServerEvent): readonly string[];

  /** An event that says one more piece. */
  protected abstract more(piece: Piece): ServerEvent;

  /** What is said at the end of some parts, for those that are open. */
  protected async ending(parts: readonly string[]): Promise<readonly ServerEvent[]> {
    const events: ServerEvent[] = [];
    for (const part of parts) {
      const about = this.#open.get(part);
      const text = await this.endOf(part);
      if (about !== undefined && text !== "") events.push(this.more({ ...about, text }));
    }
    return events;
  }

  /** What is said at the end of a part, if it is open. */
  protected async endOf(part: string): Promise<string> {
    const about = this.#open.get(part);
    if (about === undefined) return "";
    this.#open.delete(part);
    this.held -= part.length;
    return this.#hearer.ask({ ...about, text: "", end: true });
  }

  protected get hearsEnds(): boolean {
    return this.#hearer.hearsEnds;
  }

  /** The parts that are open. */
  protected get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Asks about the text of a field, if it has one. */
  protected async field<T extends JsonObject>(owner: T, key: string, piece: Omit<Piece, "text">): Promise<T> {
    const text = owner[key];
    if (typeof text !== "string" || text === "") return owner;
    const passed = await this.ask({ ...piece, text });
    return passed === text ? owner : { ...owner, [key]: passed };
  }

  protected ask(piece: Piece): Promise<string> {
    const { text: _, ...about } = piece;
    if (this.#hearer.hearsEnds && !this.#open.has(piece.part)) {
      this.#open.set(piece.part, about);
      this.held += piece.part.length;
    }
    return this.#hearer.ask(piece);
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
