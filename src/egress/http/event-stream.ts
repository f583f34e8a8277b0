/**
 * Server-sent events, read and written anew: what was judged is what the program's parser finds.
 *
 * Source: WHATWG HTML §9.2.
 *
 * @module
 */
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
  for await (const events of readEventGroups(source, budget)) yield* events;
}

/** Reads events as they come, those together that are whole at one time. Throws as {@link readEvents} does. */
export async function* readEventGroups(
  source: AsyncIterable<Uint8Array>,
  budget?: ContentBudget,
): AsyncGenerator<readonly ServerEvent[]> {
  const held = new Holding(budget);
  try {
    yield* readHeld(source, held);
  } finally {
    held.be(0);
  }
}

async function* readHeld(source: AsyncIterable<Uint8Array>, held: Holding): AsyncGenerator<readonly ServerEvent[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const event = new EventLines();
  let begun = "";
  let isAfterReturn = false;
  for await (const chunk of source) {
    const text = decoder.decode(chunk, { stream: true });
    if (text === "") continue;
    // The line feed of a pair whose carriage return has ended the line already.
    const fresh = isAfterReturn && text.startsWith("\n") ? text.slice(1) : text;
    // Most senders end lines with a line feed alone, and that is found faster.
    const lines = fresh.includes("\r") ? fresh.split(/\r\n|\n|\r/) : fresh.split("\n");
    isAfterReturn = text.endsWith("\r");
    lines[0] = begun + (lines[0] ?? "");
    begun = lines.pop() ?? "";
    const whole: ServerEvent[] = [];
    for (const line of lines) {
      const done = event.take(line);
      if (done !== undefined) whole.push(done);
    }
    if (whole.length > 0) yield whole;
    const length = begun.length + event.length;
    if (length > EVENT_MAX) throw new Error(`an event has more than ${EVENT_MAX} characters`);
    if (!held.be(length)) throw new Error("too much waits to be judged");
  }
  // What no empty line ends is no event.
}

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
    if (line.startsWith(":")) return this.length === 0 ? { comment: line.slice(1) } : undefined;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    this.length += line.length + 1;
    if (name === "data") this.#fields.data = this.#fields.data === undefined ? value : `${this.#fields.data}\n${value}`;
    else if (name === "event") this.#fields.event = value;
    else if (name === "id" && !value.includes("\0")) this.#fields.id = value;
    else if (name === "retry" && /^\d{1,9}$/.test(value)) this.#fields.retry = value;
    return undefined;
  }
}
