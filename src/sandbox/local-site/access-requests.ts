/**
 * Requests for access that programs of one sandbox have made: few at a time, and each remembered for a while.
 *
 * @module
 */
import type { FlowSubject } from "../../egress/mod.ts";
import type { AccessAnswer } from "./decide-access.ts";
import type { AccessAsk } from "./read-access.ts";

/** A request, as the program sees it. */
export interface AccessTicket {
  readonly id: string;
  readonly status: AccessAnswer["status"] | "pending";
  readonly reason: string;
  readonly rule?: string;
}

/** Why no request is taken. */
export interface Refusal {
  readonly retryAfterSeconds: number;
}

interface Entry {
  ticket: AccessTicket;
  readonly key: string;
  /** Who waits for the answer. Of a promise nobody can take leave, and programs may ask a million times. */
  readonly waiting: Set<() => void>;
  at: number;
}

/** So many may be made in a minute, and wait at one time. */
export const PER_MINUTE = 12;
export const PENDING_MAX = 8;

const MINUTE_MS = 60_000;
/** So many are remembered. */
const KEPT_MAX = 64;
const PENDING = "its owner is being asked";

/** Takes requests, lets them be decided, and tells what became of them. */
export class AccessRequests {
  readonly #decide: (ask: AccessAsk, subject: FlowSubject) => Promise<AccessAnswer>;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  #made: number[] = [];
  #last = 0;

  constructor(
    decide: (ask: AccessAsk, subject: FlowSubject) => Promise<AccessAnswer>,
    now: () => number = () => performance.now(),
  ) {
    this.#decide = decide;
    this.#now = now;
  }

  /** Makes a request. One that is asked already, or was denied a moment ago, is that one: nobody is worn down. */
  make(ask: AccessAsk, subject: FlowSubject): AccessTicket | Refusal {
    const now = this.#now();
    const key = keyOf(ask, subject);
    const known = [...this.#entries.values()].find((entry) => entry.key === key && isStanding(entry, now));
    if (known !== undefined) return known.ticket;
    this.#made = this.#made.filter((at) => now - at < MINUTE_MS);
    const [oldest = now] = this.#made;
    if (this.#made.length >= PER_MINUTE) return { retryAfterSeconds: Math.ceil((oldest + MINUTE_MS - now) / 1000) };
    if (this.#pending() >= PENDING_MAX) return { retryAfterSeconds: 10 };
    this.#made.push(now);
    const id = `r${++this.#last}`;
    const entry: Entry = { ticket: { id, status: "pending", reason: PENDING }, key, waiting: new Set(), at: now };
    void this.#decide(ask, subject)
      .catch((): AccessAnswer => ({ status: "denied", reason: "deciding about it failed" }))
      .then((answer) => {
        entry.ticket = { id, ...answer };
        entry.at = this.#now();
        for (const tell of entry.waiting) tell();
      });
    this.#entries.set(id, entry);
    this.#forget();
    return entry.ticket;
  }

  /** What became of a request: at once where it was answered, else when it is, or when the time is over. */
  async find(id: string, waitMs: number, signal: AbortSignal): Promise<AccessTicket | undefined> {
    const entry = this.#entries.get(id);
    if (entry?.ticket.status !== "pending") return entry?.ticket;
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        entry.waiting.delete(stop);
        resolve();
      };
      const timer = setTimeout(stop, waitMs);
      signal.addEventListener("abort", stop, { once: true });
      entry.waiting.add(stop);
    });
    return entry.ticket;
  }

  /** Another policy: what was said under the last one says nothing about it. */
  policyChanged(): void {
    for (const [id, { ticket }] of this.#entries) if (ticket.status !== "pending") this.#entries.delete(id);
  }

  #pending(): number {
    return [...this.#entries.values()].filter(({ ticket }) => ticket.status === "pending").length;
  }

  /** The oldest first, but none that waits. */
  #forget(): void {
    for (const [id, { ticket }] of this.#entries) {
      if (this.#entries.size <= KEPT_MAX) return;
      if (ticket.status !== "pending") this.#entries.delete(id);
    }
  }
}

/** A denial stands for a minute; what was allowed is looked at again, for it may have been lost. */
function isStanding({ ticket, at }: Entry, now: number): boolean {
  return ticket.status === "pending" || (ticket.status === "denied" && now - at < MINUTE_MS);
}

/** What is asked, and by which program; not in which words. */
function keyOf(ask: AccessAsk, { binary }: FlowSubject): string {
  return JSON.stringify([{ ...ask, reason: "" }, binary]);
}
