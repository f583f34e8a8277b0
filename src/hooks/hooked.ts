/**
 * What goes over connections on its way through the hooks: each sees what the one before made of it.
 *
 * @module
 */
import { type HookCall, isThenable } from "./call.ts";
import type { DecideHook, TrafficHook } from "./read-hook.ts";
import type { NetworkConnect, NetworkMessage, NetworkRequest } from "./subjects.ts";
import type { MessageHandler, RequestContext, ResponseContext, ResponseHandler } from "./types.ts";

/** Something that hooks see one after the other. */
export interface Hooked<F> {
  readonly connect: NetworkConnect;
  /** Asks a hook. What it gives is taken in; a verdict is handed on. */
  ask(handler: F, call: HookCall): unknown;
}

/** The hooks as a chain that decides. */
export function chainOf<S, F>(hooks: readonly TrafficHook<F>[], hooked: Hooked<F>): DecideHook<S>[] {
  return hooks.map((hook) => {
    const { plugin, name, order, timeoutMs, handler } = hook;
    const match = hook.matches(hooked.connect);
    return {
      ...{ plugin, name, order, timeoutMs, hook: hook.hook, operations: [], paths: [], binaries: [] },
      matches: () => match,
      // The chain's context is the call itself.
      handler: (_: S, call: unknown) => hooked.ask(handler, call as HookCall),
    };
  });
}

/** What a hook gets beside. The signal is made when somebody looks at it. */
export function requestContext(call: HookCall, connect: NetworkConnect, about: NetworkRequest): RequestContext {
  const { sandbox, plugin, hook } = call;
  return {
    sandbox,
    plugin,
    hook,
    connect,
    about,
    get signal() {
      return call.signal;
    },
  };
}

/** Takes an answer in once it is there, unless nobody waits for it any more. */
export function taken(answer: unknown, call: HookCall, take: (answer: unknown) => unknown): unknown {
  if (!isThenable(answer)) return take(answer);
  return Promise.resolve(answer).then((value) => (call.waiting ? take(value) : undefined));
}

/** What a response is made of when a hook wants to see it. */
export interface HookedResponseParts {
  readonly connect: NetworkConnect;
  /** The request that it answers. */
  readonly about: NetworkRequest;
  /** Called where a hook is asked. */
  make(): Response;
  makeRequest(): Request;
}

/** A response, as the hooks leave it. */
export class HookedResponse implements Hooked<ResponseHandler> {
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  /** Absent: no hook has seen it. */
  current: Response | undefined;
  /** Whether a hook gave another one. */
  isChanged = false;
  readonly #parts: HookedResponseParts;

  constructor(parts: HookedResponseParts) {
    this.connect = parts.connect;
    this.about = parts.about;
    this.#parts = parts;
  }

  ask(handler: ResponseHandler, call: HookCall): unknown {
    this.current ??= this.#parts.make();
    const parts = this.#parts;
    const context: ResponseContext = Object.defineProperty(
      requestContext(call, this.connect, this.about) as ResponseContext,
      "request",
      { get: () => parts.makeRequest(), enumerable: true },
    );
    return taken(handler(this.current, context), call, (answer) => this.#take(answer));
  }

  #take(answer: unknown): unknown {
    if (answer instanceof Response) {
      this.current = answer;
      this.isChanged = true;
      return undefined;
    }
    if (answer === undefined && this.current?.bodyUsed) {
      throw new Error("it read the body and gave no response back: read that of response.clone()");
    }
    return answer;
  }
}

/** A message, as the hooks leave it. */
export class HookedMessage implements Hooked<MessageHandler> {
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  /** As the hooks so far left it. */
  message: NetworkMessage;
  /** The plugin that gave another one, the last. */
  changedBy: string | undefined;

  constructor(connect: NetworkConnect, about: NetworkRequest, message: NetworkMessage) {
    this.connect = connect;
    this.about = about;
    this.message = Object.freeze(message);
  }

  ask(handler: MessageHandler, call: HookCall): unknown {
    const context = requestContext(call, this.connect, this.about);
    return taken(handler(this.message, context), call, (answer) => this.#take(answer, call.plugin));
  }

  #take(answer: unknown, plugin: string): unknown {
    if (typeof answer !== "string" && !(answer instanceof Uint8Array)) return answer;
    const isEvent = this.message.kind === "event";
    if (isEvent && typeof answer !== "string") throw new Error("it gave bytes in the place of an event, which is text");
    const kind = isEvent ? "event" : typeof answer === "string" ? "text" : "binary";
    this.message = Object.freeze({ ...this.message, kind, data: answer });
    this.changedBy = plugin;
    return undefined;
  }
}
