/**
 * One reader of a stream of records: a bounded queue.
 *
 * @module
 */
import type { AuditRecord } from "./record.ts";

/** Stands in a reader's stream for records that it was too slow for. */
export interface DroppedRecords {
  readonly kind: "dropped";
  /** When the first of them was dropped. */
  readonly time: string;
  readonly count: number;
}

/** What a reader gets. */
export type StreamedRecord = AuditRecord | DroppedRecords;

type Result = IteratorResult<StreamedRecord, undefined>;

interface Gap {
  readonly kind: "dropped";
  readonly time: string;
  count: number;
}

/** Holds what its reader has not taken: at most `backlog` records, and one marker for those it had no place for. */
export class RecordReader implements AsyncIterableIterator<StreamedRecord, undefined> {
  readonly #backlog: number;
  readonly #onLeft: () => void;
  readonly #waiting: ((result: Result) => void)[] = [];
  #queue: StreamedRecord[] = [];
  #gap: Gap | undefined;
  #ended = false;

  constructor(backlog: number, onLeft: () => void) {
    this.#backlog = Math.max(1, backlog);
    this.#onLeft = onLeft;
  }

  push(record: AuditRecord): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ done: false, value: record });
    else if (this.#queue.length < this.#backlog) {
      // The gap, if there is one, is the last of the queue and is closed now.
      this.#gap = undefined;
      this.#queue.push(record);
    } else if (this.#gap !== undefined) this.#gap.count++;
    else {
      this.#gap = { kind: "dropped", time: record.time, count: 1 };
      this.#queue.push(this.#gap);
    }
  }

  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined });
  }

  next(): Promise<Result> {
    const value = this.#queue.shift();
    if (value !== undefined) {
      if (value === this.#gap) this.#gap = undefined;
      return Promise.resolve({ done: false, value });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<Result> {
    this.#onLeft();
    this.#queue = [];
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
