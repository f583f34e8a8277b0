/**
 * Plugins, set up and torn down.
 *
 * @module
 */
import { Call } from "./call.ts";
import { hookFailed, invalidPlugin, type ProblemListener, report } from "./problems.ts";
import type { ReadPlugin } from "./read-plugins.ts";
import type { Disposer } from "./types.ts";

/** How long the setup of one plugin may take, in milliseconds. */
export const SETUP_TIMEOUT_MS: number = 60_000;

/** How long each step of a teardown may take, in milliseconds. */
export const TEARDOWN_TIMEOUT_MS: number = 5000;

const GOES_ON = "The rest is torn down without it";

/** The plugins that are set up. */
export class Lifetime {
  readonly #sandbox: string;
  readonly #onProblem: ProblemListener | undefined;
  /** What undoes the setups, in their order. */
  readonly #steps: { readonly plugin: string; readonly run: () => unknown }[] = [];
  #ending: Promise<void> | undefined;

  constructor(sandbox: string, onProblem: ProblemListener | undefined) {
    this.#sandbox = sandbox;
    this.#onProblem = onProblem;
  }

  /**
   * Sets them up, one after the other. If one fails, those before it are torn down.
   *
   * @throws {SandboxError} PLUGIN_INVALID If one fails.
   */
  async setUp(plugins: readonly ReadPlugin[], timeoutMs: number): Promise<void> {
    for (const plugin of plugins) {
      try {
        const disposer = await this.#setUpOne(plugin, timeoutMs);
        if (plugin.teardown !== undefined) this.#steps.push({ plugin: plugin.name, run: plugin.teardown });
        if (disposer !== undefined) this.#steps.push({ plugin: plugin.name, run: disposer });
      } catch (error) {
        await this.tearDown();
        throw error;
      }
    }
  }

  /** Undoes everything, in reverse order. What fails is reported, and what takes too long is left behind. Idempotent. */
  tearDown(): Promise<void> {
    this.#ending ??= this.#tearDown();
    return this.#ending;
  }

  async #tearDown(): Promise<void> {
    for (const { plugin, run } of this.#steps.reverse()) await this.#undo(plugin, run);
  }

  async #setUpOne({ name, setup }: ReadPlugin, timeoutMs: number): Promise<Disposer | undefined> {
    if (setup === undefined) return undefined;
    const done = Promise.resolve().then(() => setup({ sandbox: this.#sandbox, plugin: name }));
    const outcome = await within(this.#sandbox, done, timeoutMs);
    if (outcome.kind === "late") {
      // What it will have set up then is undone.
      void this.#undo(name, () => done.then((disposer) => disposer?.()));
      throw invalidPlugin(name, `its setup took more than ${timeoutMs} ms`, "Do the rest after the setup");
    }
    if (outcome.kind === "error") {
      const { error } = outcome;
      const message = error instanceof Error ? error.message : String(error);
      throw invalidPlugin(name, `its setup failed: ${message}`, "See the cause", { cause: error });
    }
    const { value } = outcome;
    if (value === undefined || typeof value === "function") return value as Disposer | undefined;
    throw invalidPlugin(name, `its setup returned a ${typeof value}`, "Return nothing, or a function that undoes it");
  }

  async #undo(plugin: string, run: () => unknown): Promise<void> {
    const done = Promise.resolve().then(run);
    const outcome = await within(this.#sandbox, done, TEARDOWN_TIMEOUT_MS);
    if (outcome.kind === "late") report(this.#onProblem, hookFailed(plugin, "the teardown", "late", GOES_ON));
    if (outcome.kind === "error") {
      report(this.#onProblem, hookFailed(plugin, "the teardown", "threw", GOES_ON, outcome.error));
    }
  }
}

type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "late" };

function within(sandbox: string, promise: PromiseLike<unknown>, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    new Call(sandbox).settle(promise, timeoutMs, {
      onValue: (value) => resolve({ kind: "value", value }),
      onError: (error) => resolve({ kind: "error", error }),
      onLate: () => resolve({ kind: "late" }),
    });
  });
}
