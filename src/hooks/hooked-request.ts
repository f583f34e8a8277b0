/**
 * A request on its way through the hooks: each sees what the one before made of it.
 *
 * @module
 */
import type { HookCall } from "./call.ts";
import { type Hooked, requestContext, taken } from "./hooked.ts";
import type { NetworkConnect, NetworkRequest } from "./subjects.ts";
import type { RequestHandler } from "./types.ts";

/** What a request is made of when a hook wants to see it. */
export interface HookedRequestParts {
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  /** Called once, and only where a hook is asked. */
  make(): Request;
}

/** A request, as the hooks leave it. */
export class HookedRequest implements Hooked<RequestHandler> {
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  readonly #make: () => Request;
  #current: Request | undefined;
  #response: Response | undefined;
  #changedBy: string | undefined;

  constructor({ connect, about, make }: HookedRequestParts) {
    this.connect = connect;
    this.about = about;
    this.#make = make;
  }

  /** Absent: no hook has seen it. */
  get request(): Request | undefined {
    return this.#current;
  }

  /** What a hook answers in the host's place: the first that was given. */
  get response(): Response | undefined {
    return this.#response;
  }

  /** The plugin that gave another request, the last one. */
  get changedBy(): string | undefined {
    return this.#changedBy;
  }

  /** Asks a hook. What it gives is taken in; a verdict is handed on. */
  ask(handler: RequestHandler, call: HookCall): unknown {
    this.#current ??= this.#make();
    const context = requestContext(call, this.connect, this.about);
    return taken(handler(this.#current, context), call, (answer) => this.#take(answer, call.plugin));
  }

  #take(answer: unknown, plugin: string): unknown {
    if (answer instanceof Request) {
      this.#current = answer;
      this.#changedBy = plugin;
      return undefined;
    }
    if (answer instanceof Response) {
      this.#response ??= answer;
      return undefined;
    }
    if (answer === undefined && this.#current?.bodyUsed) {
      throw new Error("it read the body and gave no request back: read that of request.clone()");
    }
    return answer;
  }
}
