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
 */
export function join(inside: Duplex, outside: Socket): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const closed = () => {
      open--;
      if (open === 0) resolve();
    };
    // What ended on both sides is closed already; everything else was cut off, and must not look complete.
    inside.once("close", () => {
      if (!outside.destroyed) reset(outside);
      closed();
    });
    outside.once("close", () => {
      if (!inside.destroyed && !isOver(inside)) inside.destroy();
      closed();
    });
    // Each is followed by close.
    inside.on("error", () => undefined);
    outside.on("error", () => undefined);
    inside.pipe(outside);
    outside.pipe(inside);
  });
}

function isOver(stream: Duplex): boolean {
  return stream.readableEnded && stream.writableFinished;
}

function reset(socket: Socket): void {
  // Not every runtime has it.
  if (typeof socket.resetAndDestroy === "function" && !(socket.readableEnded && socket.writableFinished)) {
    socket.resetAndDestroy();
  } else {
    socket.destroy();
  }
}
