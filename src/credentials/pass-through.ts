/**
 * A stream with something in its way.
 *
 * @module
 */
import type { Readable, Transform } from "node:stream";

/**
 * Sends a stream through another one. What breaks the source breaks the result; what ends the result early is told by
 * `onLeft`, for some sources may be destroyed then, and others must be read to their end.
 */
export function passThrough<T extends Transform>(source: Readable, by: T, onLeft: () => void): T {
  const broken = (error?: Error): void => {
    if (!source.readableEnded && !by.destroyed) by.destroy(error);
  };
  // It may break before anybody reads of it: who comes later finds it destroyed.
  by.on("error", () => undefined);
  source.once("error", broken);
  source.once("close", () => broken());
  by.once("close", () => {
    if (source.readableEnded) return;
    source.unpipe(by);
    onLeft();
  });
  if (source.destroyed) broken(source.errored ?? undefined);
  else source.pipe(by);
  return by;
}
