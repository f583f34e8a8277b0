/**
 * What a call says in both directions, for a policy that wants it recorded.
 *
 * @module
 */
import type { Piece } from "../pieces/piece.ts";
import type { Json, JsonObject } from "./json.ts";

/** What was said, with whatever secrets it holds. */
export interface SaidContent {
  readonly request: JsonObject;
  /** The whole answer, or the parts of one in pieces. Absent: nothing came back. */
  readonly answer?: Json;
}

/** The most that is kept of an answer in pieces, in characters: more than is recorded of it. */
const KEPT_MAX = 65_536;

/** Keeps it. */
export class Transcript {
  #request: JsonObject | undefined;
  #answer: JsonObject | undefined;
  readonly #parts = new Map<string, { readonly kind: Piece["kind"]; tool?: string; text: string }>();
  #kept = 0;

  /** It goes to a provider so. */
  asked(body: JsonObject): void {
    this.#request = body;
  }

  /** The client gets this as a whole. */
  answered(body: JsonObject): void {
    this.#answer = body;
  }

  /** The client gets this in the place of a piece. */
  heard({ kind, part, tool }: Piece, text: string): void {
    const fits = text.slice(0, KEPT_MAX - this.#kept);
    if (fits === "") return;
    const said = this.#parts.get(part) ?? { kind, text: "" };
    if (tool !== undefined) said.tool = tool;
    said.text += fits;
    this.#parts.set(part, said);
    this.#kept += fits.length;
  }

  /** Undefined: nothing went to anybody. */
  get content(): SaidContent | undefined {
    if (this.#request === undefined) return undefined;
    const request = this.#request;
    if (this.#answer !== undefined) return { request, answer: this.#answer };
    return this.#parts.size === 0 ? { request } : { request, answer: [...this.#parts.values()] };
  }
}
