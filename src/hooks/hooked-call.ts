/**
 * Calls to models and their answers on their way through the hooks: each sees what the one before made of it.
 *
 * @module
 */
import type { HookCall } from "./call.ts";
import { taken } from "./hooked.ts";
import type { InferenceAbout, InferenceAnswer, InferenceCall, InferenceChunk } from "./inference-types.ts";
import type { DecideHook, InferenceHook } from "./read-hook.ts";
import type { HookContext } from "./types.ts";

/** Something of a call, as the hooks leave it. */
export abstract class HookedInference<S extends InferenceAbout> {
  /** As the hooks so far left it. */
  current: S;
  /** The plugin that gave another one, the last. */
  changedBy: string | undefined;

  constructor(subject: S) {
    this.current = Object.freeze(subject);
  }

  /** The hooks as a chain that decides. */
  chain(hooks: readonly InferenceHook<S>[]): DecideHook<S>[] {
    return hooks.map((hook) => ({
      ...hook,
      // The chain's context is the call of the hook itself.
      handler: (_: S, context: HookContext) => {
        const call = context as HookCall;
        if (!this.isFor(hook)) return undefined;
        return taken(hook.handler(this.current, call), call, (answer) => this.#take(answer, call.plugin));
      },
    }));
  }

  /** Whether a hook is asked about what the hooks before it left. */
  protected isFor(_hook: InferenceHook<S>): boolean {
    return true;
  }

  /** What a hook's answer makes of it. Undefined: the answer is no change. @throws {Error} If it is a change that cannot be. */
  protected abstract changed(answer: object): S | undefined;

  #take(answer: unknown, plugin: string): unknown {
    if (typeof answer !== "object" || answer === null) return answer;
    const changed = this.changed(answer);
    if (changed === undefined) return answer;
    this.current = Object.freeze(changed);
    this.changedBy = plugin;
    return undefined;
  }
}

/** A call. */
export class HookedCall extends HookedInference<InferenceCall> {
  protected override changed(answer: object): InferenceCall | undefined {
    return "body" in answer ? { ...this.current, body: plainBody(answer.body) } : undefined;
  }
}

/** A whole answer. */
export class HookedAnswer extends HookedInference<InferenceAnswer> {
  protected override changed(answer: object): InferenceAnswer | undefined {
    return "body" in answer ? { ...this.current, body: plainBody(answer.body) } : undefined;
  }
}

/** A piece of an answer. */
export class HookedChunk extends HookedInference<InferenceChunk> {
  /** The end of a part is for those who want to know of it; what somebody says at it is a piece for the others. */
  protected override isFor({ ends }: InferenceHook<InferenceChunk>): boolean {
    return ends || this.current.text !== "" || this.current.end === undefined;
  }

  protected override changed(answer: object): InferenceChunk | undefined {
    if (!("text" in answer)) return undefined;
    if (typeof answer.text !== "string") throw new Error("it gave a text that is none");
    return { ...this.current, text: answer.text };
  }
}

/** Plain data, and no longer the hook's. */
function plainBody(body: unknown): Readonly<Record<string, unknown>> {
  const plain: unknown = JSON.parse(JSON.stringify(body) ?? "null");
  if (typeof plain !== "object" || plain === null || Array.isArray(plain)) {
    throw new Error("it gave a body that is no object");
  }
  return plain as Readonly<Record<string, unknown>>;
}
