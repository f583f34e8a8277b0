/**
 * What happens in a sandbox, as events.
 *
 * @module
 */
import { EventEmitter } from "eventemitter3";
import type { AuditRecord } from "../audit/mod.ts";
import { OutputQueue } from "./output-queue.ts";

/** The events by name, with what a listener gets. */
export interface SandboxEventMap {
  /** Everything that was recorded, in order. */
  record: [record: AuditRecord];
  /** The sandbox has ended; nothing comes after it. */
  stop: [reason: string];
}

/** How far a slow reader of {@link SandboxEvents} may fall behind, in records. */
const BACKLOG_MAX = 10_000;

/** A typed emitter that can also be iterated: each iteration has every record from its beginning on, in order. */
export class SandboxEvents implements AsyncIterable<AuditRecord> {
  readonly #emitter = new EventEmitter<SandboxEventMap>();
  #stopped = false;

  /** Calls `listener` for every event of that name; returns what stops it. */
  on<N extends keyof SandboxEventMap>(name: N, listener: (...values: SandboxEventMap[N]) => void): () => void {
    // eventemitter3 computes its listener's type from the map, which TypeScript cannot follow for an open name.
    const heard = listener as EventEmitter.EventListener<SandboxEventMap, N>;
    this.#emitter.on(name, heard);
    return () => void this.#emitter.off(name, heard);
  }

  /** @internal */
  record(record: AuditRecord): void {
    this.#emitter.emit("record", record);
  }

  /** @internal */
  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#emitter.emit("stop", reason);
    this.#emitter.removeAllListeners();
  }

  [Symbol.asyncIterator](): AsyncIterator<AuditRecord> {
    const queue = new OutputQueue<AuditRecord>();
    if (this.#stopped) queue.end();
    let waiting = 0;
    let dropped = 0;
    const offRecord = this.on("record", (record) => {
      if (waiting >= BACKLOG_MAX) dropped++;
      else {
        waiting++;
        queue.push(record);
      }
    });
    const offStop = this.on("stop", () => queue.end());
    return {
      next: async () => {
        const value = await queue.next();
        if (value === undefined) return { done: true, value };
        waiting--;
        const missed = dropped;
        dropped = 0;
        return { done: false, value: missed > 0 ? { ...value, missed } : value };
      },
      return: async () => {
        offRecord();
        offStop();
        queue.end();
        return { done: true, value: undefined };
      },
    };
  }
}
