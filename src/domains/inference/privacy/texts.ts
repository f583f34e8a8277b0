/**
 * Every text in JSON, those in JSON that is itself a text and those in base64 included.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CallFailure } from "../router/errors.ts";
import { isList, type Json, type JsonObject, objectOf, parseJson } from "../router/json.ts";
import { breathe } from "./spans.ts";

/** Says what stands in the place of a text: the same where nothing is changed. */
export type VisitText = (text: string) => Promise<string>;

/** JSON in JSON is looked into so deep. */
const NESTED_MAX = 3;

/** What is shorter is no file. */
const BASE64_MIN = 64;

/** Looks at each. The same value where nothing was changed. @throws {CallFailure} If what is to be changed cannot be. */
export async function mapTexts(value: JsonObject, visit: VisitText): Promise<JsonObject> {
  return new Walk(visit).map(value, 0);
}

/** Nothing that is looked for is shorter. */
const TEXT_MIN = 6;

/** After so many characters others have their turn. */
const BREATH = 1_048_576;

/** One way through JSON. */
class Walk {
  readonly #visit: VisitText;
  #characters = 0;

  constructor(visit: VisitText) {
    this.#visit = visit;
  }

  async map(map: JsonObject, depth: number): Promise<JsonObject> {
    const entries: [string, Json | undefined][] = [];
    let isChanged = false;
    for (const [key, item] of Object.entries(map)) {
      const name = key.length < TEXT_MIN ? key : await this.#visit(key);
      const next = item === undefined ? item : await this.#value(item, depth);
      isChanged ||= name !== key || next !== item;
      entries.push([name, next]);
    }
    return isChanged ? Object.fromEntries(entries) : map;
  }

  async #value(value: Json, depth: number): Promise<Json> {
    if (typeof value === "string") return this.#text(value, depth);
    if (typeof value === "number") return this.#number(value);
    if (isList(value)) return this.#list(value, depth);
    const map = objectOf(value);
    return map === undefined ? value : this.map(map, depth);
  }

  async #list(list: readonly Json[], depth: number): Promise<readonly Json[]> {
    const made: Json[] = [];
    let isChanged = false;
    for (const item of list) {
      const next = await this.#value(item, depth);
      isChanged ||= next !== item;
      made.push(next);
    }
    return isChanged ? made : list;
  }

  async #text(text: string, depth: number): Promise<string> {
    if (text.length < TEXT_MIN) return text;
    await this.#breatheNowAndThen(text.length);
    const encoded = base64Of(text);
    if (encoded !== undefined) {
      const said = Buffer.from(encoded, "base64").toString();
      if ((await this.#visit(said)) !== said) throw unchangeable();
    }
    return this.#visit(await this.#nested(text, depth));
  }

  /** A number may be that of a card. */
  async #number(value: number): Promise<Json> {
    const text = String(value);
    if (text.length < TEXT_MIN) return value;
    const said = await this.#visit(text);
    return said === text ? value : said;
  }

  async #nested(text: string, depth: number): Promise<string> {
    if (depth >= NESTED_MAX || !/^\s*[[{]/.test(text)) return text;
    const nested = parseJson(text);
    if (nested === undefined) return text;
    const changed = await this.#value(nested, depth + 1);
    return changed === nested ? text : JSON.stringify(changed);
  }

  /** Many short texts are as long as one. */
  async #breatheNowAndThen(length: number): Promise<void> {
    this.#characters += length + 64;
    if (this.#characters < BREATH) return;
    this.#characters = 0;
    await breathe();
  }
}

/** The digits of a text that is base64, as an image or a document is sent. */
function base64Of(text: string): string | undefined {
  if (text.length < BASE64_MIN) return undefined;
  const comma = /^data:[^,]{0,256};base64,/.exec(text.slice(0, 300))?.[0].length ?? 0;
  return /^[A-Za-z0-9+/_-]{60}/.test(text.slice(comma, comma + 60)) ? text.slice(comma) : undefined;
}

function unchangeable(): CallFailure {
  return new CallFailure("denied", "A file in the call has what is to be left out, and cannot be sent without it");
}
