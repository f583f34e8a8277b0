/**
 * Server-sent events, read and written anew: what was judged is what the program's parser finds.
 *
 * Source: WHATWG HTML §9.2.
 *
 * @module
 */
import { Buffer, isAscii } from "node:buffer";
import { type ContentBudget, Holding } from "./content.ts";

/** One event, or what stands between events. */
export interface ServerEvent {
  /** Its type. Absent: `message`. */
  readonly event?: string;
  /** Its lines, joined by line feeds. Absent: it has none, and is never dispatched. */
  readonly data?: string;
  readonly id?: string;
  /** In milliseconds, as digits. */
  readonly retry?: string;
  /** A comment that stands alone: it keeps connections open. */
  readonly comment?: string;
}

/** The longest event, in characters. */
const EVENT_MAX = 8 * 1_048_576;

/** Reads events as they come. Throws where they are no UTF-8, or longer than anybody should hold, alone or with others. */
export async function* readEvents(
  source: AsyncIterable<Uint8Array>,
  budget?: ContentBudget,
): AsyncGenerator<ServerEvent> {
  const reader = new EventReader(budget);
  try {
    for await (const chunk of source) yield* reader.take(chunk);
  } finally {
    reader.end();
  }
}

/** Reads events out of bytes, piece by piece. What no empty line ends is no event. */
export class EventReader {
  readonly #held: Holding;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #event = new EventLines();
  #begun = "";
  #isFirst = true;
  #isAfterReturn = false;
  /** Whether a character may have been cut by the end of a piece. */
  #isCut = false;

  constructor(budget?: ContentBudget) {
    this.#held = new Holding(budget);
  }

  /** The events that a piece ends. Throws as {@link readEvents} does. */
  take(chunk: Uint8Array): readonly ServerEvent[] {
    const text = this.#textOf(chunk);
    if (text === "") return NONE;
    // The line feed of a pair whose carriage return has ended the line already.
    const fresh = this.#isAfterReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#isAfterReturn = text.endsWith("\r");
    // Most senders end lines with a line feed alone, and that is found faster.
    const lines = fresh.includes("\r") ? fresh.split(/\r\n|\n|\r/) : fresh.split("\n");
    lines[0] = this.#begun + (lines[0] ?? "");
    this.#begun = lines.pop() ?? "";
    const whole: ServerEvent[] = [];
    for (const line of lines) {
      const done = this.#event.take(line);
      if (done !== undefined) whole.push(done);
    }
    const length = this.#begun.length + this.#event.length;
    if (length > EVENT_MAX) throw new Error(`an event has more than ${EVENT_MAX} characters`);
    if (!this.#held.be(length)) throw new Error("too much waits to be judged");
    return whole;
  }

  /** Nothing more comes, or nobody wants it. */
  end(): void {
    this.#held.be(0);
  }

  #textOf(chunk: Uint8Array): string {
    // What most of them are, and where it is not, the decoder is asked.
    if (!this.#isCut && isAscii(chunk)) {
      this.#isFirst &&= chunk.length === 0;
      return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    }
    const text = this.#decoder.decode(chunk, { stream: true });
    this.#isCut = chunk.length === 0 ? this.#isCut : (chunk.at(-1) ?? 0) >= 0x80;
    if (!this.#isFirst || text === "") return text;
    this.#isFirst = false;
    return text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}

const NONE: readonly ServerEvent[] = [];

/** Writes one. */
export function writeEvent({ event, data, id, retry, comment }: ServerEvent): string {
  if (comment !== undefined) return `:${comment}\n\n`;
  // What most events are.
  if (data !== undefined && id === undefined && retry === undefined && !data.includes("\n")) {
    return event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
  }
  const lines = [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(data === undefined ? [] : data.split("\n").map((line) => `data: ${line}`)),
  ];
  return `${lines.join("\n")}\n\n`;
}

/** The lines of an event until it is whole. */
class EventLines {
  #fields: { event?: string; data?: string; id?: string; retry?: string } = {};
  length = 0;

  take(line: string): ServerEvent | undefined {
    if (line === "") {
      const event = this.#fields;
      this.#fields = {};
      const isEmpty = this.length === 0;
      this.length = 0;
      return isEmpty ? undefined : event;
    }
    // What most lines are.
    if (line.startsWith("data: ")) {
      this.#add(line.slice(6));
      this.length += line.length + 1;
      return undefined;
    }
    if (line.startsWith(":")) return this.length === 0 ? { comment: line.slice(1) } : undefined;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    this.length += line.length + 1;
    if (name === "data") this.#add(value);
    else if (name === "event") this.#fields.event = value;
    else if (name === "id" && !value.includes("\0")) this.#fields.id = value;
    else if (name === "retry" && /^\d{1,9}$/.test(value)) this.#fields.retry = value;
    return undefined;
  }

  #add(value: string): void {
    this.#fields.data = this.#fields.data === undefined ? value : `${this.#fields.data}\n${value}`;
  }
}
