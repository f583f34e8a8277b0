/**
 * Two streams as one connection.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Relays both ways, each as fast as the other side reads; an end of one is a half-close of the other, and a break of one is a
 * reset of the other. Settles when both are over. Never rejects.
 *
 * One that is over may leave bytes that the other has not taken yet: those still arrive.
 */
export function join(inside: Duplex, outside: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const follow = (side: Duplex, other: Duplex) => {
      const closed = () => {
        // What was cut off must not look complete, and what is complete has its time to arrive.
        if (!isOver(side)) reset(other);
        else if (!other.closed) linger(other);
        open--;
        if (open === 0) resolve();
      };
      // It may have been closed before.
      if (side.closed) closed();
      else side.once("close", closed);
      // It is followed by close.
      side.on("error", () => undefined);
    };
    follow(inside, outside);
    follow(outside, inside);
    inside.pipe(outside);
    outside.pipe(inside);
  });
}

/** How long a side may take for its last bytes. */
const LINGER_MS = 60_000;

function linger(side: Duplex): void {
  const late = setTimeout(() => reset(side), LINGER_MS);
  late.unref();
  side.once("close", () => clearTimeout(late));
}

function isOver(stream: Duplex): boolean {
  return stream.readableEnded && stream.writableFinished;
}

/** Ends a connection so that its other side does not take what came for the whole of it. */
export function reset(side: Duplex): void {
  try {
    // Not every runtime has it, and only sockets do; those with TLS over another stream throw.
    (side as Partial<Socket>).resetAndDestroy?.();
  } catch {
    // It is destroyed below.
  }
  side.destroy();
}
