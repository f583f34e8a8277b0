/**
 * Connections that nobody uses.
 *
 * @module
 */
import type { Duplex } from "node:stream";

/** How long a connection may be idle, before its first request and between two, in milliseconds. */
export const IDLE_MS = 120_000;

/** Ends a connection that was idle for too long. It begins stopped. */
export function idleTimer(stream: Duplex): { start(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearTimeout(timer);
  stream.once("close", stop);
  return {
    stop,
    start: () => {
      stop();
      if (stream.destroyed) return;
      timer = setTimeout(() => stream.destroy(), IDLE_MS);
      timer.unref();
    },
  };
}
