/**
 * The newest records, as many as fit.
 *
 * @module
 */
import type { AuditRecord } from "./record.ts";

/** Keeps the newest records: so many, and so much text. The newest one of all is kept however long it is. */
export class RecentRecords {
  readonly #capacity: number;
  readonly #maxLength: number;
  #kept: ({ readonly record: AuditRecord; readonly length: number } | undefined)[] = [];
  /** Where the oldest that is kept lies: the empty places before it go in one piece, now and then. */
  #first = 0;
  #length = 0;
  #forgotten = 0;

  constructor(capacity: number, maxLength: number) {
    this.#capacity = capacity;
    this.#maxLength = maxLength;
  }

  /** How many are not kept any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  push(record: AuditRecord): void {
    const length = textLength(record);
    this.#kept.push({ record, length });
    this.#length += length;
    while (this.#isFull()) {
      this.#length -= this.#kept[this.#first]?.length ?? 0;
      this.#kept[this.#first++] = undefined;
      this.#forgotten++;
    }
    if (this.#first > this.#kept.length / 2) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }

  /** The oldest first. */
  all(): readonly AuditRecord[] {
    return this.#kept.flatMap((kept) => (kept === undefined ? [] : [kept.record]));
  }

  #isFull(): boolean {
    const count = this.#kept.length - this.#first;
    return count > this.#capacity || (count > 1 && this.#length > this.#maxLength);
  }
}

/** How long the texts of plain data are together. */
function textLength(data: unknown): number {
  if (typeof data === "string") return data.length;
  if (typeof data !== "object" || data === null) return 0;
  let length = 0;
  for (const each of Object.values(data)) length += textLength(each);
  return length;
}
