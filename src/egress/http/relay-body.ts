/**
 * A body on its way from one side to the other.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";

/** How much of a body waits in a stream of the engine, in bytes: what one turn of the event loop can carry. */
export const BODY_BUFFER_BYTES = 262_144;

/** What is relayed, and what becomes of the ends. Exactly one of the callbacks is called, once. */
export interface BodyRelay {
  readonly from: Readable;
  readonly to: Writable;
  /** All of it has been written; `to` is ended after this. */
  onEnd(): void;
  /** It was cut short: what came must not look complete. */
  onBroken(error: Error | undefined): void;
  /** Nobody takes the rest. */
  onClosed(): void;
}

/**
 * Relays a body as fast as the other side takes it. What has come meanwhile goes in one write: each costs a turn of the event
 * loop where the other side is TLS on a stream of this process.
 */
export function relayBody(relay: BodyRelay): void {
  const { from, to } = relay;
  let over = false;
  let full = false;
  const finish = (act: () => void): void => {
    if (over) return;
    over = true;
    from.off("readable", move);
    to.off("drain", drained);
    act();
  };
  const ended = () => {
    finish(() => {
      try {
        relay.onEnd();
      } catch (error) {
        // Nobody listens to what an event throws.
        relay.onBroken(error as Error);
        return;
      }
      to.end();
    });
  };
  const broken = (error?: Error) => finish(() => relay.onBroken(error));
  const closed = () => finish(() => relay.onClosed());
  const move = () => {
    while (!full && !over) {
      const chunk: unknown = from.read();
      if (chunk === null) break;
      full = !to.write(chunk);
    }
    if (!full && hasAll(from)) ended();
  };
  const drained = () => {
    full = false;
    move();
  };
  from.on("readable", move);
  from.once("end", ended);
  from.on("error", broken);
  from.once("close", broken);
  to.on("drain", drained);
  to.on("error", closed);
  to.once("close", closed);
  if (to.destroyed) closed();
  else if (from.destroyed) broken();
  else move();
}

/** An answer that came whole in one piece is whole already; its `end` would cost another turn, and another write. */
function hasAll(from: Readable & { readonly complete?: boolean }): boolean {
  return from.complete === true && from.readableLength === 0 && !from.destroyed;
}
