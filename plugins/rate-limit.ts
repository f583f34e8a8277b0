/**
 * So many requests, calls to models, connections and starts of programs in a stretch of time.
 *
 * @module
 */
import { definePlugin, deny, type HookVerdict, type Plugin } from "../src/mod.ts";
import { type Rate, RateCounter } from "./rate-limit/counter.ts";

export type { Rate } from "./rate-limit/counter.ts";

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

/** Makes the plugin. */
export const rateLimit: (options: RateLimitOptions) => Plugin = definePlugin((options: RateLimitOptions): Plugin => {
  const { requests, connections, starts, calls, hosts } = options;
  const where = hosts === undefined ? {} : { hosts };
  return {
    name: "rate-limit",
    hooks: {
      network: {
        ...(requests === undefined ? {} : { request: { ...where, order: "post", handler: onRequest(requests) } }),
        ...(connections === undefined ? {} : { connect: { ...where, order: "post", handler: onConnect(connections) } }),
      },
      ...(starts === undefined ? {} : { process: { start: onEach(starts, "starts of programs") } }),
      ...(calls === undefined ? {} : { inference: { call: onEach(calls, "calls to models") } }),
    },
  };
});

interface Connection {
  readonly host: string;
  readonly binary: string;
}

function onRequest(rate: Rate): (request: Request, context: { connect: Connection }) => Response | undefined {
  const counter = new RateCounter(rate, "requests");
  return (_, { connect }) => {
    const refused = counter.take(counter.keyOf(connect));
    if (refused === undefined) return undefined;
    const headers = { "retry-after": String(Math.ceil(refused.waitMs / 1000)) };
    return Response.json({ error: "rate_limited", reason: refused.reason }, { status: 429, headers });
  };
}

function onConnect(rate: Rate): (connect: Connection) => HookVerdict | undefined {
  const counter = new RateCounter(rate, "connections");
  return (connect) => {
    const refused = counter.take(counter.keyOf(connect));
    return refused && deny(refused.reason);
  };
}

function onEach(rate: Omit<Rate, "per">, what: string): () => HookVerdict | undefined {
  const counter = new RateCounter(rate, what);
  return () => {
    const refused = counter.take("");
    return refused && deny(refused.reason);
  };
}
