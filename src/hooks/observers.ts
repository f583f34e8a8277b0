/**
 * Hooks that only look on: all at once, and nobody waits for them.
 *
 * @module
 */
import { HookCall, isThenable, outsideHooks } from "./call.ts";
import { type HookFailure, hookFailed, type ProblemListener, report } from "./problems.ts";
import type { ObserveHook } from "./read-hook.ts";

/** How many calls of one hook may run at one time. What comes meanwhile passes it by, and that is reported once. */
const RUNNING_MAX = 1024;
const PASSED_OVER = "What it observed goes on without it";

interface Observer<E> {
  readonly hook: ObserveHook<E>;
  running: number;
  crowded: boolean;
}

/** The observers of one kind of event. */
export class Observers<E> {
  readonly #sandbox: string;
  readonly #observers: readonly Observer<E>[];
  readonly #onProblem: ProblemListener | undefined;

  constructor(sandbox: string, hooks: readonly ObserveHook<E>[], onProblem: ProblemListener | undefined) {
    this.#sandbox = sandbox;
    this.#observers = hooks.map((hook) => ({ hook, running: 0, crowded: false }));
    this.#onProblem = onProblem;
  }

  /** Tells all of them. It never throws. */
  tell(event: E): void {
    for (const observer of this.#observers) this.#tellOne(observer, event);
  }

  #tellOne(observer: Observer<E>, event: E): void {
    const { hook } = observer;
    if (observer.running >= RUNNING_MAX) {
      if (!observer.crowded) this.#report(hook, "crowded");
      observer.crowded = true;
      return;
    }
    // No decision waits for it, so it may use the sandbox.
    const call = outsideHooks(() => new HookCall(this.#sandbox, hook.plugin, hook.hook));
    call.end();
    try {
      const done = outsideHooks(() => hook.handler(event, call));
      if (isThenable(done)) this.#await(observer, call, done);
    } catch (error) {
      this.#report(hook, "threw", error);
    }
  }

  #await(observer: Observer<E>, call: HookCall, done: PromiseLike<unknown>): void {
    const { hook } = observer;
    const left = (): void => {
      observer.running--;
      observer.crowded = false;
    };
    observer.running++;
    call.settle(done, hook.timeoutMs, {
      onValue: left,
      onError: (error) => {
        left();
        this.#report(hook, "threw", error);
      },
      onLate: () => {
        left();
        call.abort(new Error(`its ${hook.timeoutMs} ms are over`));
        this.#report(hook, "late");
      },
    });
  }

  #report({ plugin, hook }: ObserveHook<E>, failure: HookFailure, cause?: unknown): void {
    report(this.#onProblem, hookFailed(plugin, hook, failure, PASSED_OVER, cause));
  }
}
