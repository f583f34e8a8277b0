/**
 * So many requests, calls to models, connections and starts of programs in a stretch of time.
 *
 * @module
 */
import { definePlugin, deny, type Plugin } from "../src/mod.ts";

/** So many in a stretch of time. */
export interface Rate {
  readonly max: number;
  /** In milliseconds: a sliding one. @default 60000 */
  readonly windowMs?: number;
  /** What is counted by itself. @default "sandbox" */
  readonly per?: "sandbox" | "host" | "program";
}

/** The options of `rateLimit`. What is not given is not limited. */
export interface RateLimitOptions {
  /** HTTP requests. One too many is answered with 429 and `Retry-After`, which clients know. */
  readonly requests?: Rate;
  /** The hosts whose requests and connections are counted. @default all */
  readonly hosts?: readonly string[];
  readonly connections?: Rate;
  readonly starts?: Omit<Rate, "per">;
  readonly calls?: Omit<Rate, "per">;
}

/** How many things are counted by themselves; past it the oldest counts are forgotten. */
const KEYS_MAX = 1024;
const WINDOW_MS = 60_000;

/** Makes the plugin. */
export const rateLimit: (options: RateLimitOptions) => Plugin = definePlugin((options: RateLimitOptions): Plugin => {
  const { requests, connections, starts, calls, hosts } = options;
  const where = hosts === undefined ? {} : { hosts };
  const keyOf = (rate: Rate, host: string, binary: string) =>
    rate.per === "host" ? host : rate.per === "program" ? binary : "";
  return {
    name: "rate-limit",
    hooks: {
      network: {
        ...(requests === undefined
          ? {}
          : {
              request: {
                ...where,
                order: "post" as const,
                handler: limited(
                  requests,
                  (take) =>
                    (_: Request, { connect }: { connect: { host: string; binary: string } }) => {
                      const waitMs = take(keyOf(requests, connect.host, connect.binary));
                      if (waitMs === 0) return undefined;
                      const headers = { "retry-after": String(Math.ceil(waitMs / 1000)) };
                      return Response.json(
                        { error: "rate_limited", reason: words(requests, "requests") },
                        { status: 429, headers },
                      );
                    },
                ),
              },
            }),
        ...(connections === undefined
          ? {}
          : {
              connect: {
                ...where,
                order: "post" as const,
                handler: limited(connections, (take) => ({ host, binary }: { host: string; binary: string }) => {
                  return take(keyOf(connections, host, binary)) === 0
                    ? undefined
                    : deny(words(connections, "connections"));
                }),
              },
            }),
      },
      ...(starts === undefined
        ? {}
        : {
            process: {
              start: limited(
                starts,
                (take) => () => (take("") === 0 ? undefined : deny(words(starts, "starts of programs"))),
              ),
            },
          }),
      ...(calls === undefined
        ? {}
        : {
            inference: {
              call: limited(
                calls,
                (take) => () => (take("") === 0 ? undefined : deny(words(calls, "calls to models"))),
              ),
            },
          }),
    },
  };
});

function words({ max, windowMs = WINDOW_MS }: Rate, what: string): string {
  return `more than ${max} ${what} in ${windowMs / 1000} s`;
}

/** Gives a handler its counter: 0, or how long until there is room, in milliseconds. */
function limited<H>(rate: Rate, make: (take: (key: string) => number) => H): H {
  const { max, windowMs = WINDOW_MS } = rate;
  if (!Number.isInteger(max) || max < 1 || !(windowMs > 0))
    throw new TypeError("A rate needs a whole max above 0, and a time");
  const taken = new Map<string, number[]>();
  return make((key) => {
    const now = Date.now();
    const times = (taken.get(key) ?? []).filter((at) => at > now - windowMs);
    taken.delete(key);
    taken.set(key, times);
    for (const oldest of taken.keys()) {
      if (taken.size <= KEYS_MAX) break;
      taken.delete(oldest);
    }
    if (times.length >= max) return Math.max(1, (times[0] ?? now) + windowMs - now);
    times.push(now);
    return 0;
  });
}
