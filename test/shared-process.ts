/**
 * What files that share a process must not do to each other: whoever comes after a clock that stayed faked waits for ever.
 */
import { beforeAll } from "vitest";

const REAL = Symbol.for("cofferdam.test.setTimeout");
const shared: { [REAL]?: typeof setTimeout } = globalThis;
shared[REAL] ??= setTimeout;

beforeAll(() => {
  if (shared[REAL] !== setTimeout)
    throw new Error("a file that ran before this one in its process left the clock faked");
});
