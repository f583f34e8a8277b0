/**
 * What happens in a sandbox, as events.
 *
 * @module
 */
import { emitWarning } from "node:process";
import { EventEmitter } from "eventemitter3";
import { type AuditRecord, createRecordStream, type DecisionRecord, type StreamedRecord } from "../audit/mod.ts";

/** The events by name, with what a listener gets. */
export interface SandboxEventMap {
  /** Everything that was recorded, in order. */
  record: [record: AuditRecord];
  /** Something around the sandbox failed without ending it: a listener threw, or the audit log cannot be written. */
  problem: [error: Error];
  /** The sandbox has ended; nothing comes after it. */
  stop: [reason: string];
}

/**
 * A typed emitter that can also be iterated.
 *
 * Shape: each iteration begins with what was recorded before, the newest 10,000 records and 32 MiB of text, and goes on with
 * what happens, in order, until the sandbox ends. A reader that falls too far behind gets a record of kind `dropped` in the place of what it
 * missed. What is kept here is without the content of calls to models: listeners and the log have it.
 */
export class SandboxEvents implements AsyncIterable<StreamedRecord> {
  readonly #emitter = new EventEmitter<SandboxEventMap>();
  readonly #stream = createRecordStream();
  #stopped = false;

  /** Calls `listener` for every event of that name from now on; returns what stops it. Listeners observe: none can fail the sandbox. */
  on<N extends keyof SandboxEventMap>(name: N, listener: (...values: SandboxEventMap[N]) => void): () => void {
    // eventemitter3 computes its listener's type from the map, which TypeScript cannot follow for an open name.
    const heard = listener as EventEmitter.EventListener<SandboxEventMap, N>;
    this.#emitter.on(name, heard);
    return () => void this.#emitter.off(name, heard);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamedRecord> {
    // Both in one turn, so that nothing is missed or comes twice.
    const before = this.#stream.recent();
    const live = this.#stream[Symbol.asyncIterator]();
    try {
      yield* before;
      yield* live;
    } finally {
      await live.return?.();
    }
  }

  /** What was recorded so far: the newest 10,000, as far as their texts have no more than 33,554,432 UTF-16 units together. */
  recent(): readonly AuditRecord[] {
    return this.#stream.recent();
  }

  /** How many older records are kept here no more. The log has them. */
  get forgotten(): number {
    return this.#stream.forgotten;
  }

  /** @internal */
  decisions(): readonly DecisionRecord[] {
    return this.#stream.recent().filter((record): record is DecisionRecord => record.kind === "decision");
  }

  /** @internal */
  record(record: AuditRecord): void {
    this.#stream.push(withoutContent(record));
    this.#guard(() => this.#emitter.emit("record", record));
  }

  /** @internal */
  problem(error: Error): void {
    if (this.#emitter.listenerCount("problem") === 0) {
      emitWarning(error);
      return;
    }
    try {
      this.#emitter.emit("problem", error);
    } catch (second) {
      emitWarning(second instanceof Error ? second : String(second));
    }
  }

  /** @internal */
  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#guard(() => this.#emitter.emit("stop", reason));
    this.#stream.close();
    this.#emitter.removeAllListeners();
  }

  #guard(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.problem(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Ten thousand long conversations are more than a process should hold. */
function withoutContent(record: AuditRecord): AuditRecord {
  if (record.kind !== "decision" || record.inference?.content === undefined) return record;
  const { content: _, ...inference } = record.inference;
  return Object.freeze({ ...record, inference });
}
