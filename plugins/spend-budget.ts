/**
 * A budget of money, tokens and calls to models for a stretch of time, which several sandboxes may share.
 *
 * @module
 */
import { type DecisionRecord, definePlugin, deny, type InferenceCall, type Plugin } from "../src/mod.ts";

/** The options of `spendBudget`. What is not given is not limited. */
export interface SpendBudgetOptions {
  /** US dollars, where prices of models are known. */
  readonly usd?: number;
  /** Tokens, read and written. */
  readonly tokens?: number;
  readonly calls?: number;
  /** The stretch of time that it is for, in milliseconds: a sliding one. @default as long as the ledger lives */
  readonly windowMs?: number;
  /** Shared by the plugins of several sandboxes. @default its own */
  readonly ledger?: SpendLedger;
  /** Called once for each limit when `warnAt` of it is used. */
  readonly onWarning?: (limit: "usd" | "tokens" | "calls", used: number) => void;
  /** A share of each limit. @default 0.8 */
  readonly warnAt?: number;
}

interface Spent {
  readonly at: number;
  readonly usd: number;
  readonly tokens: number;
  readonly calls: number;
}

/** What was spent, and what calls that run may spend. */
export class SpendLedger {
  readonly #spent: Spent[] = [];
  readonly #running = new Map<string, number[]>();

  /** What counts in the time that ends now. */
  total(windowMs: number, now: number = Date.now()): Omit<Spent, "at"> {
    while (this.#spent[0] !== undefined && this.#spent[0].at <= now - windowMs) this.#spent.shift();
    const running = [...this.#running.values()].flat();
    return {
      usd: this.#spent.reduce((sum, { usd }) => sum + usd, 0),
      tokens: [...this.#spent.map(({ tokens }) => tokens), ...running].reduce((sum, tokens) => sum + tokens, 0),
      calls: this.#spent.reduce((sum, { calls }) => sum + calls, 0) + running.length,
    };
  }

  /** A call is sent: its answer is not known yet, so at least what it reads counts. */
  begin(key: string, tokens: number): void {
    this.#running.set(key, [...(this.#running.get(key) ?? []), tokens]);
  }

  end(key: string, { usd, tokens }: { readonly usd: number; readonly tokens: number }, now: number = Date.now()): void {
    const [, ...rest] = this.#running.get(key) ?? [];
    if (rest.length > 0) this.#running.set(key, rest);
    else this.#running.delete(key);
    this.#spent.push({ at: now, usd, tokens, calls: 1 });
  }

  /** A sandbox has ended: nobody waits for its calls. */
  forget(sandbox: string): void {
    for (const key of this.#running.keys()) if (key.startsWith(`${sandbox}/`)) this.#running.delete(key);
  }
}

/**
 * Makes the plugin: calls past the budget are denied, before anything of them leaves. What a call costs is known when it is answered,
 * so the last one may go past the limit; those that run at one time count with what they read.
 *
 * @throws {TypeError} If a limit is not above 0.
 */
export const spendBudget: (options: SpendBudgetOptions) => Plugin = definePlugin(
  (options: SpendBudgetOptions): Plugin => {
    const { windowMs = Number.POSITIVE_INFINITY, ledger = new SpendLedger(), onWarning, warnAt = 0.8 } = options;
    const limits = (["usd", "tokens", "calls"] as const).flatMap((name) => {
      const limit = options[name];
      if (limit !== undefined && !(limit > 0))
        throw new TypeError(`The limit of ${name} must be above 0, found ${limit}`);
      return limit === undefined ? [] : [{ name, limit }];
    });
    const warned = new Set<string>();
    const warn = (): void => {
      const total = ledger.total(windowMs);
      for (const { name, limit } of limits) {
        if (total[name] < limit * warnAt) warned.delete(name);
        else if (!warned.has(name)) {
          warned.add(name);
          onWarning?.(name, total[name]);
        }
      }
    };
    const keyOf = (sandbox: string, pid: number | undefined, model: string) => `${sandbox}/${pid ?? 0}/${model}`;
    return {
      name: "spend-budget",
      hooks: {
        inference: {
          call: {
            // After the others: what they deny costs nothing.
            order: "post",
            handler: (call: InferenceCall, { sandbox }) => {
              const total = ledger.total(windowMs);
              const spent = limits.find(({ name, limit }) => total[name] >= limit);
              if (spent !== undefined) return deny(`the budget of ${spent.limit} ${spent.name} is used up`);
              const reads = limits.find(
                ({ name, limit }) => name === "tokens" && total.tokens + call.estimatedTokens > limit,
              );
              if (reads !== undefined) return deny(`the call reads more than what is left of ${reads.limit} tokens`);
              ledger.begin(keyOf(sandbox, call.pid, call.model), call.estimatedTokens);
              return undefined;
            },
          },
        },
        decision: ({ domain, verdict, inference, subject, object, sandbox }: DecisionRecord) => {
          if (domain !== "inference" || inference === undefined || verdict !== "allow") return;
          const { usd = 0, inputTokens, outputTokens } = inference;
          ledger.end(keyOf(sandbox, subject?.pid, object), { usd, tokens: inputTokens + outputTokens });
          warn();
        },
      },
      setup: ({ sandbox }) => {
        return () => ledger.forget(sandbox);
      },
    };
  },
);
