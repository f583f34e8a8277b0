/**
 * The sandboxes that are ready: made ahead, replaced when they die, handed to whoever is first in line.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { RootRequest, WarmWarden, WorkspaceRequest } from "../runtimes/runtime.ts";
import type { LinkAhead } from "../sandbox/open-link.ts";
import { promised } from "../sandbox/promised.ts";
import type { SandboxTrust } from "../sandbox/trust.ts";
import { Line, type WaitOptions } from "./line.ts";
import type { PoolBounds } from "./options.ts";

/** A sandbox that is ready. */
export interface ReadySandbox {
  readonly id: string;
  readonly warden: WarmWarden;
  /** Its link, where nothing has to be made when it is used. */
  readonly ahead: LinkAhead | undefined;
  readonly trust: SandboxTrust | undefined;
  readonly root?: RootRequest | undefined;
  /** The folder that it shows, if it shows one live. */
  readonly mounted: WorkspaceRequest["identity"] | undefined;
}

/** What a stock is made of. */
export interface StockOptions extends PoolBounds {
  /** Makes one. What fails leaves nothing. */
  start(signal: AbortSignal): Promise<ReadySandbox>;
  /** Hears of a start that failed where nobody waited for it. */
  onProblem(error: Error): void;
}

/** How many start at one time: more would only get in each other's way. */
const STARTING_MAX = 4;
/** How long to wait after failures in a row, in milliseconds: twice as long after each. */
const PAUSE = { first: 100, last: 30_000 };
/** How long the next start waits for whoever has just got a sandbox, in milliseconds: a start holds the event loop. */
const COURTESY_MS = 20;

/** Keeps sandboxes ready. */
export class Stock {
  readonly #options: StockOptions;
  readonly #line = new Line<ReadySandbox>();
  readonly #ready = new Set<ReadySandbox>();
  readonly #starting = new Set<Promise<void>>();
  readonly #ending = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #filled: ReturnType<typeof promised<void>> | undefined;
  #inUse = 0;
  #failures = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StockOptions) {
    this.#options = options;
    this.#tend();
  }

  /** How many there are of each. */
  get counts(): { ready: number; starting: number; inUse: number; waiting: number } {
    const { size: ready } = this.#ready;
    return { ready, starting: this.#starting.size, inUse: this.#inUse, waiting: this.#line.length };
  }

  /** Settles when as many are ready as were asked for. */
  filled(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.reject(closed("ready"));
    this.#filled ??= promised<void>();
    const { promise } = this.#filled;
    // A pause would make everybody wait who wants to know now.
    this.#resume();
    return promise;
  }

  /** The next one. It counts as in use until {@link giveBack}. */
  async take(wait: WaitOptions): Promise<ReadySandbox> {
    if (this.#closing.signal.aborted) throw closed("acquire");
    if (this.#line.length >= this.#options.maxWaiting && this.#ready.size === 0) throw this.exhausted("crowded");
    const taken = this.#line.wait(wait);
    this.#tend();
    return taken;
  }

  /** Makes room for another one: what was taken is gone. */
  giveBack(): void {
    this.#inUse--;
    this.#tend();
  }

  exhausted(reason: "crowded" | "late"): SandboxError<"POOL_EXHAUSTED"> {
    const { inUse, waiting } = this.counts;
    const what = reason === "crowded" ? `${waiting} callers wait already` : "none came free in time";
    return new SandboxError("POOL_EXHAUSTED", `Cannot acquire a sandbox: ${what}, and ${inUse} are in use`, {
      details: { reason, waiting, inUse },
      hint: "Stop sandboxes that are done with, or raise what the pool may hold",
    });
  }

  /** Ends all that were not taken; settles when nothing of them is left. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(closed("acquire"));
    clearTimeout(this.#pause);
    this.#line.close(closed("acquire"));
    this.#filled?.reject(closed("ready"));
    await Promise.all(this.#starting);
    for (const each of this.#ready) this.#drop(each);
    await Promise.all(this.#ending);
  }

  /** Hands out what is ready, and makes what is missing. */
  #tend(): void {
    if (this.#closing.signal.aborted) return;
    for (const each of this.#ready) {
      if (this.#line.length === 0) break;
      this.#ready.delete(each);
      this.#inUse++;
      this.#failures = 0;
      this.#line.serve(each);
      if (this.#pause === undefined) this.#rest(COURTESY_MS);
    }
    if (this.#ready.size >= this.#options.size) {
      this.#filled?.resolve();
      this.#filled = undefined;
    }
    while (this.#lacks() > this.#starting.size && this.#starting.size < STARTING_MAX && this.#hasRoom()) this.#start();
  }

  /** Who waits is served without a pause: failures are told to them. */
  #lacks(): number {
    const kept = this.#pause === undefined ? this.#options.size - this.#ready.size : 0;
    return this.#line.length + Math.max(0, kept);
  }

  #hasRoom(): boolean {
    return this.#ready.size + this.#starting.size + this.#inUse < this.#options.slots;
  }

  #start(): void {
    const starting = this.#options.start(this.#closing.signal).then(
      (each) => {
        this.#starting.delete(starting);
        this.#ready.add(each);
        void each.warden.ended.then((reason) => this.#died(each, reason));
        this.#tend();
      },
      (error: unknown) => {
        this.#starting.delete(starting);
        this.#failed(error);
      },
    );
    this.#starting.add(starting);
  }

  #died(each: ReadySandbox, reason: string): void {
    if (!this.#ready.delete(each) || this.#closing.signal.aborted) return;
    this.#end(each);
    this.#failed(
      new SandboxError("LINK_LOST", `A sandbox of the pool ended before it was used: ${reason}`, {
        details: { reason },
      }),
    );
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const told = this.#line.refuse(error);
    this.#filled?.reject(error);
    this.#filled = undefined;
    if (!told) this.#options.onProblem(error instanceof Error ? error : new Error(String(error)));
    this.#rest(Math.min(PAUSE.first * 2 ** this.#failures++, PAUSE.last));
    this.#tend();
  }

  /** Makes nothing ahead for a while. */
  #rest(milliseconds: number): void {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#resume(), milliseconds);
    // A pool that is not full keeps nobody's process alive.
    this.#pause.unref?.();
  }

  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#tend();
  }

  #drop(each: ReadySandbox): void {
    this.#ready.delete(each);
    this.#end(each);
  }

  #end(each: ReadySandbox): void {
    const ending = each.warden.end().then(() => void this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/** The error of a pool that is closed. */
export function closed(operation: string): SandboxError<"POOL_CLOSED"> {
  return new SandboxError("POOL_CLOSED", `Cannot go on with pool.${operation}: the pool is closed`, {
    details: { operation },
    hint: "Create another pool",
  });
}
