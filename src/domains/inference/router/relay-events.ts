/**
 * Answers of providers in pieces, on their way to the client: as they come, and as fast as the client reads.
 *
 * Where no hook looks at them, everything of a piece is done in the turn in which it comes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { ContentBudget } from "../../../egress/http/content.ts";
import { EventReader, type ServerEvent } from "../../../egress/http/event-stream.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";
import type { PieceFilter } from "../pieces/piece.ts";
import type { HeldBytes } from "./body.ts";
import type { EventRelay } from "./dialect.ts";
import { CallFailure, failureEvent } from "./errors.ts";
import { ANSWER_BYTES_MAX, type AnswerSource, asFailure, silent } from "./relay.ts";
import { estimateTokens } from "./usage.ts";

/** How a stream is relayed. */
export interface StreamRelay extends AnswerSource {
  /** The client's. */
  readonly family: ApiFamily;
  readonly events: EventRelay;
  /** Looks at the provider's events before that. Absent: nobody does. */
  readonly pieces?: PieceFilter | undefined;
  /** Aborted when the call is to end; its reason is what the client is told. */
  readonly signal: AbortSignal;
  /** Bounds what is held of events that are not whole. */
  readonly budget: ContentBudget;
  /** Counts what is held of an answer until its end. Absent: nobody does. */
  readonly held?: HeldBytes;
  /** The stream is over, after what may be so many tokens. Without a failure, it was whole. Called once. */
  onEnd(failure: CallFailure | undefined, tokens: number): void;
}

/** Events for the client. It never fails: what goes wrong is the last event, in the client's own shape. */
export function relayEvents(relay: StreamRelay): Readable {
  return new RelayedEvents(relay);
}

class RelayedEvents extends Readable {
  readonly #relay: StreamRelay;
  readonly #reader: EventReader;
  readonly #holding: HeldAnswer | undefined;
  readonly #progress = { events: 0, characters: 0 };
  /** Runs out where the provider says nothing, while somebody listens. */
  #idle: NodeJS.Timeout | undefined;
  /** Hooks are asked: nothing more is read meanwhile. */
  #isAsking = false;
  #isOver = false;

  constructor(relay: StreamRelay) {
    super({ highWaterMark: 65_536 });
    const { stream, events, pieces, budget, held, signal } = relay;
    this.#relay = relay;
    this.#reader = new EventReader(budget);
    this.#holding =
      events.held === undefined && pieces === undefined ? undefined : new HeldAnswer([events, pieces], held);
    // Whoever destroys it is heard by "close".
    this.on("error", () => undefined);
    stream.on("error", this.#onError);
    if (stream.destroyed) queueMicrotask(this.#onClose);
    else stream.on("data", this.#onData).once("end", this.#onEnd).once("close", this.#onClose).pause();
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  override _read(): void {
    if (this.#isAsking || this.#isOver) return;
    this.#listen();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#over(new CallFailure("unreachable", "The client went away"));
    done(error);
  }

  #listen(): void {
    const { stream, idleMs } = this.#relay;
    if (this.#idle === undefined) this.#idle = setTimeout(() => void stream.destroy(silent(idleMs)), idleMs);
    if (stream.isPaused()) stream.resume();
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#relay.stream.pause();
  }

  readonly #onAbort = (): void => void this.#relay.stream.destroy(asFailure(this.#relay.signal.reason));

  readonly #onError = (error: unknown): void => this.#fail(error);

  /** It was cut short, unless it had ended. */
  readonly #onClose = (): void => {
    const { stream } = this.#relay;
    if (!stream.readableEnded && !this.#isAsking) this.#fail(stream.errored ?? { code: "ERR_STREAM_PREMATURE_CLOSE" });
  };

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#isOver) return;
    this.#idle?.refresh();
    try {
      const group = this.#reader.take(chunk);
      const { pieces } = this.#relay;
      this.#progress.events += group.length;
      if (pieces === undefined) this.#say(group);
      else if (group.length > 0) this.#ask(pieces, group);
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onEnd = (): void => {
    if (this.#isOver || this.#isAsking) return;
    const { events, pieces } = this.#relay;
    if (pieces !== undefined) return void this.#askEnd(pieces);
    try {
      this.#finish(events.end());
    } catch (error) {
      this.#fail(error);
    }
  };

  /** Passes on what becomes of some events. What comes before one that fails is still the client's. */
  #say(group: readonly ServerEvent[]): void {
    const { events } = this.#relay;
    let text = "";
    try {
      for (const event of group) text += events.take(event);
      this.#progress.characters += text.length;
      this.#holding?.count();
    } finally {
      if (text !== "" && !this.push(Buffer.from(text))) this.#rest();
    }
  }

  #ask(pieces: PieceFilter, group: readonly ServerEvent[]): void {
    this.#whileAsking(async () => {
      let passed: ServerEvent[] = [];
      try {
        for (const event of group) passed.push(...(await pieces.take(event)));
      } catch (error) {
        const before = passed;
        passed = [];
        if (!this.#isOver) this.#say(before);
        throw error;
      }
      if (!this.#isOver) this.#say(passed);
    });
  }

  #askEnd(pieces: PieceFilter): void {
    this.#whileAsking(async () => {
      const rest = await pieces.end();
      if (this.#isOver) return;
      this.#say(rest);
      this.#finish(this.#relay.events.end());
    });
  }

  #whileAsking(ask: () => Promise<void>): void {
    this.#isAsking = true;
    this.#rest();
    ask().then(
      () => this.#asked(),
      (error: unknown) => {
        this.#isAsking = false;
        this.#fail(error);
      },
    );
  }

  #asked(): void {
    this.#isAsking = false;
    const { stream } = this.#relay;
    if (this.#isOver) return;
    if (stream.readableEnded) this.#onEnd();
    else if (stream.destroyed) this.#onClose();
    else if (this.readableLength < this.readableHighWaterMark) this.#listen();
  }

  #fail(error: unknown): void {
    if (this.#isOver || this.#isAsking) return;
    const failure = asFailure(error);
    const { events, family } = this.#relay;
    this.#finish(events.fail?.(failure) ?? failureEvent(family, failure), failure);
  }

  #finish(last: string, failure?: CallFailure): void {
    if (last !== "") this.push(Buffer.from(last));
    this.push(null);
    this.#over(failure);
  }

  /** Nothing of the provider is wanted any more, and nothing is held. */
  #over(failure: CallFailure | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { stream, signal } = this.#relay;
    this.#rest();
    signal.removeEventListener("abort", this.#onAbort);
    this.#reader.end();
    this.#holding?.release();
    stream.destroy();
    this.#relay.onEnd(failure, tokensOf(this.#progress));
  }
}

/** What stands around the words of an event, in characters, at most. */
const EVENT_FRAME = 256;

/** An event is about a token, unless it is long. */
function tokensOf({ events, characters }: { readonly events: number; readonly characters: number }): number {
  return Math.max(events, estimateTokens(Math.max(0, characters - EVENT_FRAME * events)));
}

/** What is held of an answer, because its end says all of it again. */
class HeldAnswer {
  readonly #holders: readonly ({ readonly held?: number } | undefined)[];
  readonly #bytes: HeldBytes | undefined;
  #held = 0;

  constructor(holders: readonly ({ readonly held?: number } | undefined)[], bytes: HeldBytes | undefined) {
    this.#holders = holders;
    this.#bytes = bytes;
  }

  count(): void {
    let held = 0;
    for (const holder of this.#holders) held += 2 * (holder?.held ?? 0);
    if (held === this.#held) return;
    if (held > ANSWER_BYTES_MAX) {
      throw new CallFailure("upstream", `The provider's answer has more than ${ANSWER_BYTES_MAX} bytes`);
    }
    this.#bytes?.add(held - this.#held);
    this.#held = held;
  }

  release(): void {
    this.#bytes?.drop(this.#held);
    this.#held = 0;
  }
}
