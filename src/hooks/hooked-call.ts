/**
 * A call to a model on its way through the hooks: each sees what the one before made of it.
 *
 * @module
 */
import type { HookCall } from "./call.ts";
import { taken } from "./hooked.ts";
import type { InferenceCall } from "./inference-types.ts";
import type { CallHook, DecideHook } from "./read-hook.ts";
import type { CallHandler } from "./types.ts";

/** A call, as the hooks leave it. */
export class HookedCall {
  /** As the hooks so far left it. */
  call: InferenceCall;
  /** The plugin that gave another one, the last. */
  changedBy: string | undefined;

  constructor(call: InferenceCall) {
    this.call = Object.freeze(call);
  }

  /** The hooks as a chain that decides. */
  chain(hooks: readonly CallHook[]): DecideHook<InferenceCall>[] {
    return hooks.map((hook) => ({
      ...hook,
      // The chain's context is the call of the hook itself.
      handler: (_: InferenceCall, context: unknown) => this.#ask(hook.handler, context as HookCall),
    }));
  }

  #ask(handler: CallHandler, context: HookCall): unknown {
    return taken(handler(this.call, context), context, (answer) => this.#take(answer, context.plugin));
  }

  #take(answer: unknown, plugin: string): unknown {
    if (typeof answer !== "object" || answer === null || !("body" in answer)) return answer;
    // Plain data, and no longer the hook's.
    const body: unknown = JSON.parse(JSON.stringify(answer.body) ?? "null");
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new Error("it gave a body that is no object");
    }
    this.call = Object.freeze({ ...this.call, body: body as Readonly<Record<string, unknown>> });
    this.changedBy = plugin;
    return undefined;
  }
}
