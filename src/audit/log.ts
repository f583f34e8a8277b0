/**
 * The log of records: ordered, chained by hashes, and written to a sink that may be slow or fail.
 *
 * @module
 */
import { Batch } from "./batch.ts";
import { type AuditHead, Chain } from "./chain.ts";
import type { SealedLine } from "./line.ts";
import type { AuditRecord } from "./record.ts";
import type { AuditSink } from "./sink.ts";
import { settlesWithin } from "./within.ts";

/** How long closing a log waits, unless it is told otherwise. */
export const CLOSE_TIMEOUT_MS = 10_000;

/** The options of `createAuditLog`. */
export interface AuditLogOptions {
  readonly sink: AuditSink;
  /** Signs the chain when it is closed: over the head's text, `sha256:` and hexadecimal digits. */
  readonly sign?: (head: string) => Uint8Array | Promise<Uint8Array>;
  /** Hears, once, why the log is not healthy any more. */
  readonly onError?: (error: Error) => void;
  /** How far the sink may fall behind before the log gives up, in bytes. @default 16777216 */
  readonly maxPendingBytes?: number;
  /** How long `close` waits for the signature and the sink, in milliseconds. @default 10000 */
  readonly closeTimeoutMs?: number;
}

/** A log that records are appended to. */
export interface AuditLog extends AsyncDisposable {
  /**
   * Appends a record. Its place is settled at once; the promise says, when the sink is done, whether it took it. Never
   * throws and never rejects: whoever must not go on without a record awaits it, and everybody else may ignore it.
   */
  append(record: AuditRecord): Promise<boolean>;
  /** Settles when everything appended so far was taken; false if something was not. */
  flush(): Promise<boolean>;
  /** The newest line that the sink has taken. Keep it elsewhere: `verifyAuditLog` finds a cut by it. */
  head(): AuditHead | undefined;
  /** False for good once anything was lost. What then happens is the owner's to decide: deny, or stop. */
  readonly healthy: boolean;
  /** How many records were not taken, or perhaps not. */
  readonly lost: number;
  /** Writes the closing line, flushes, closes the sink, and gives the last head. Idempotent; never rejects. */
  close(): Promise<AuditHead | undefined>;
}

/**
 * Begins a log, or a new chain of one where the sink continues it.
 *
 * Shape: the first line is `log.open` with the random name of the chain, the last `log.close` with the head before it and
 * its signature. A sink that fails, or falls behind too far, makes the log unhealthy for good: later records are counted as
 * lost, and the chain ends open.
 *
 * @example
 * ```ts
 * import { createAuditLog, createMemorySink } from "cofferdam";
 *
 * const sink = createMemorySink();
 * await using log = createAuditLog({ sink, onError: console.error });
 * await log.append({
 *   kind: "sandbox.end",
 *   time: new Date().toISOString(),
 *   sequence: 1,
 *   sandbox: "5a",
 *   policy: { digest: "sha256:00", generation: 1 },
 *   reason: "stopped",
 *   durationMs: 12,
 * });
 * console.log(log.head(), log.healthy);
 * ```
 */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  return new ChainedLog(options);
}

class ChainedLog implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #chain: Chain;
  #gathering = new Batch();
  #writing: Batch | undefined;
  #busy = false;
  #head: AuditHead | undefined;
  #healthy = true;
  #lost = 0;
  #closing: Promise<AuditHead | undefined> | undefined;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#chain = new Chain(options.sink.previous);
    void this.#enqueue(() => this.#chain.open(), false);
  }

  get healthy(): boolean {
    return this.#healthy && this.#lost === 0;
  }

  get lost(): number {
    return this.#lost;
  }

  head(): AuditHead | undefined {
    return this.#head;
  }

  append(record: AuditRecord): Promise<boolean> {
    if (this.#closing !== undefined) return this.#refuse();
    return this.#enqueue(() => this.#chain.record(record), true);
  }

  async flush(): Promise<boolean> {
    for (const batch of [this.#writing, this.#gathering]) {
      if (batch !== undefined && batch.lines.length > 0) await batch.written;
    }
    return this.healthy;
  }

  close(): Promise<AuditHead | undefined> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enqueue(seal: () => SealedLine, isRecord: boolean): Promise<boolean> {
    if (!this.#healthy) return this.#refuse();
    try {
      this.#gathering.add(seal(), this.#chain.index, isRecord);
    } catch (error) {
      this.#fail(error);
      return this.#refuse();
    }
    const { written, bytes } = this.#gathering;
    const { maxPendingBytes = 16_777_216 } = this.#options;
    if (bytes + (this.#writing?.bytes ?? 0) > maxPendingBytes) {
      this.#fail(new Error(`the audit sink is more than ${maxPendingBytes} bytes behind`));
    } else if (!this.#busy) void this.#write();
    return written;
  }

  #refuse(): Promise<boolean> {
    this.#lost++;
    return Promise.resolve(false);
  }

  /** Writes batch after batch. Each starts a tick late, so that what comes in one go is written in one. */
  async #write(): Promise<void> {
    this.#busy = true;
    while (this.#gathering.lines.length > 0) {
      await Promise.resolve();
      const batch = this.#gathering;
      this.#gathering = new Batch();
      this.#writing = batch;
      try {
        await this.#options.sink.write(batch.lines);
        if (batch.last !== undefined) this.#head = Object.freeze({ chain: this.#chain.id, ...batch.last });
        batch.settle(true);
      } catch (error) {
        this.#discard(batch);
        this.#fail(error);
      }
      this.#writing = undefined;
    }
    this.#busy = false;
  }

  #fail(error: unknown): void {
    if (!this.#healthy) return;
    this.#healthy = false;
    this.#discard(this.#gathering);
    this.#gathering = new Batch();
    try {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // Who listens must not break what it listens to.
    }
  }

  #discard(batch: Batch): void {
    this.#lost += batch.records;
    batch.settle(false);
  }

  async #close(): Promise<AuditHead | undefined> {
    const { closeTimeoutMs = CLOSE_TIMEOUT_MS } = this.#options;
    if (!(await settlesWithin(closeTimeoutMs, this.#finish()))) {
      this.#fail(new Error(`the audit log did not close within ${closeTimeoutMs} ms`));
    }
    return this.#head;
  }

  async #finish(): Promise<void> {
    let signature: Uint8Array | undefined;
    try {
      signature = await this.#options.sign?.(this.#chain.head);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#healthy) await this.#enqueue(() => this.#chain.close(signature), false);
    await this.flush();
    try {
      await this.#options.sink.close?.();
    } catch (error) {
      this.#fail(error);
    }
  }
}
