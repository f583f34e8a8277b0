/**
 * Records as they happen, for any number of readers who may be slow.
 *
 * @module
 */

import { RecentRecords } from "./recent-records.ts";
import type { AuditRecord } from "./record.ts";
import { RecordReader, type StreamedRecord } from "./record-reader.ts";

/** The options of `createRecordStream`. */
export interface RecordStreamOptions {
  /** How many records `recent()` keeps. @default 10000 */
  readonly capacity?: number;
  /** How much text `recent()` keeps, in UTF-16 units: programs choose their arguments and paths. @default 33554432 */
  readonly maxLength?: number;
  /** How far a reader may fall behind, in records. @default 1000 */
  readonly backlog?: number;
}

/** Hands every record on to every reader. */
export interface RecordStream extends AsyncIterable<StreamedRecord> {
  /** Never waits and never throws. */
  push(record: AuditRecord): void;
  /** The newest records, the oldest first. */
  recent(): readonly AuditRecord[];
  /** How many older records `recent()` has forgotten. */
  readonly forgotten: number;
  /** Reads from now on; the reader that is left in peace ends with `return()`, as at the end of `for await`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<StreamedRecord>;
  /** Ends every reader once it has read what is there. */
  close(): void;
}

/**
 * A stream of records, with the newest ones kept.
 *
 * Shape: each reader has every record from its beginning on, in order. One that falls too far behind gets a single record
 * of kind `dropped` where records are missing, with their number; nobody else is held up.
 *
 * @example
 * ```ts
 * import { createRecordStream } from "cofferdam";
 *
 * const stream = createRecordStream({ backlog: 100 });
 * stream.close();
 * for await (const record of stream) console.log(record.kind);
 * ```
 */
export function createRecordStream(options: RecordStreamOptions = {}): RecordStream {
  const { capacity = 10_000, maxLength = 32 * 1024 * 1024, backlog = 1_000 } = options;
  const recent = new RecentRecords(capacity, maxLength);
  const readers = new Set<RecordReader>();
  let closed = false;
  return {
    push(record) {
      if (closed) return;
      recent.push(record);
      for (const reader of readers) reader.push(record);
    },
    recent: () => recent.all(),
    get forgotten() {
      return recent.forgotten;
    },
    [Symbol.asyncIterator]() {
      const reader: RecordReader = new RecordReader(backlog, () => readers.delete(reader));
      if (closed) reader.end();
      else readers.add(reader);
      return reader;
    },
    close() {
      closed = true;
      for (const reader of readers) reader.end();
      readers.clear();
    },
  };
}
