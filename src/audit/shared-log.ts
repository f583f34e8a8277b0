/**
 * A log with several users, which ends with the last of them.
 *
 * @module
 */
import type { AuditHead } from "./chain.ts";
import { type AuditLog, type AuditLogOptions, CLOSE_TIMEOUT_MS, createAuditLog } from "./log.ts";
import type { AuditRecord } from "./record.ts";
import type { AuditSink } from "./sink.ts";
import { settlesWithin } from "./within.ts";

type ErrorListener = NonNullable<AuditLogOptions["onError"]>;

/** A log that can be joined. */
export class SharedLog {
  readonly sign: AuditLogOptions["sign"];
  readonly #log: Promise<AuditLog>;
  readonly #onEnded: () => void;
  readonly #listeners = new Set<ErrorListener>();
  #users = 0;
  #failed = false;
  #ending: Promise<AuditHead | undefined> | undefined;

  /** `onEnded` is called once: when the sink could not be opened, or the log has been closed. */
  constructor(sink: Promise<AuditSink>, sign: AuditLogOptions["sign"], onEnded: () => void) {
    this.sign = sign;
    this.#onEnded = onEnded;
    this.#log = sink.then((sink) => this.#begin(sink));
    this.#log.catch(onEnded);
  }

  /** Whether it may be joined. */
  get usable(): boolean {
    return !this.#failed && this.#ending === undefined;
  }

  /** A log for one user. */
  async join({ onError }: Pick<AuditLogOptions, "onError">): Promise<AuditLog> {
    this.#users++;
    // A function of its own, so that two users may give the same one.
    const listener: ErrorListener = (error) => onError?.(error);
    this.#listeners.add(listener);
    const leave = async () => {
      this.#listeners.delete(listener);
      return --this.#users === 0 ? await this.end() : undefined;
    };
    return new UserLog(await this.#log, leave);
  }

  /** Closes the log for everybody. */
  end(): Promise<AuditHead | undefined> {
    this.#ending ??= this.#log
      .then((log) => log.close())
      .catch(() => undefined)
      .finally(this.#onEnded);
    return this.#ending;
  }

  #begin(sink: AuditSink): AuditLog {
    const onError: ErrorListener = (error) => {
      this.#failed = true;
      for (const listener of this.#listeners) call(listener, error);
    };
    return createAuditLog({ sink, onError, ...(this.sign === undefined ? {} : { sign: this.sign }) });
  }
}

/** What one user sees of a shared log. */
class UserLog implements AuditLog {
  readonly #log: AuditLog;
  readonly #leave: () => Promise<AuditHead | undefined>;
  #closing: Promise<AuditHead | undefined> | undefined;
  #late = 0;

  constructor(log: AuditLog, leave: () => Promise<AuditHead | undefined>) {
    this.#log = log;
    this.#leave = leave;
  }

  get healthy(): boolean {
    return this.#log.healthy && this.#late === 0;
  }

  get lost(): number {
    return this.#log.lost + this.#late;
  }

  head(): AuditHead | undefined {
    return this.#log.head();
  }

  async append(record: AuditRecord): Promise<boolean> {
    if (this.#closing === undefined) return await this.#log.append(record);
    this.#late++;
    return false;
  }

  flush(): Promise<boolean> {
    return this.#log.flush();
  }

  close(): Promise<AuditHead | undefined> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<AuditHead | undefined> {
    const head = await this.#leave();
    if (head === undefined) await settlesWithin(CLOSE_TIMEOUT_MS, this.#log.flush());
    return head ?? this.#log.head();
  }
}

function call(listener: ErrorListener, error: Error): void {
  try {
    listener(error);
  } catch {
    // One user must not keep the others from hearing.
  }
}
