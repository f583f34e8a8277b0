/**
 * What files that share a process must not do to each other: whoever comes after a clock that stayed faked waits for ever.
 */
import { beforeAll } from "vitest";

declare global {
  /** The one that was there when the first file of this process began. */
  var cofferdamTestSetTimeout: typeof setTimeout | undefined;
}
globalThis.cofferdamTestSetTimeout ??= setTimeout;

beforeAll(() => {
  if (globalThis.cofferdamTestSetTimeout !== setTimeout) {
    throw new Error("a file that ran before this one in its process left the clock faked");
  }
});
