/**
 * Budgets of one sandbox: tokens, money and calls, of all its calls and of those to each provider.
 *
 * A call that has begun is finished: what calls under way will read is reserved, what they will say is not known.
 *
 * @module
 */
import type { InferenceBudget, InferenceLimits } from "../../../policy/core.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import { CallFailure } from "../router/errors.ts";
import type { Usage } from "../router/usage.ts";
import { Account, type CountedLimit } from "./account.ts";
import type { PriceTable } from "./prices.ts";

/** A limit that is nearly used, or used up. */
export interface BudgetNotice {
  readonly limit: CountedLimit;
  /** Absent: of all calls. */
  readonly provider?: string;
  readonly used: number;
  readonly of: number;
  readonly state: "near" | "spent";
}

/** Counts what calls use, for as long as the sandbox lives. */
export class Meter {
  readonly prices: PriceTable;
  readonly #onNotice: (notice: BudgetNotice) => void;
  readonly #all = new Account("The sandbox");
  readonly #providers = new Map<string, Account>();
  readonly #told = new Set<string>();

  constructor(prices: PriceTable, onNotice: (notice: BudgetNotice) => void) {
    this.prices = prices;
    this.#onNotice = onNotice;
  }

  /** Lets a call begin that reads about so many tokens. @throws {CallFailure} If the budget has nothing left for it. */
  begin(budget: InferenceBudget, inputTokens: number): MeteredCall {
    this.#all.enter(budget);
    return new MeteredCall(this, budget, this.#all, inputTokens);
  }

  /** The account of the calls to a provider. */
  accountOf(provider: string): Account {
    const account = this.#providers.get(provider) ?? new Account(`The sandbox's use of the provider ${provider}`);
    this.#providers.set(provider, account);
    return account;
  }

  /** Tells of limits that came near or to their end, each once. */
  tell(account: Account, limits: InferenceLimits, provider: string | undefined): void {
    for (const limit of ["tokens", "usd"] as const) {
      const of = limits[limit];
      if (of === undefined || account.near(limits, limit) === undefined) continue;
      const used = account.used(limit);
      for (const state of used >= of ? (["near", "spent"] as const) : (["near"] as const)) {
        const key = JSON.stringify([provider, limit, of, state]);
        if (this.#told.has(key)) continue;
        this.#told.add(key);
        this.#onNotice({ limit, ...(provider === undefined ? {} : { provider }), used, of, state });
      }
    }
  }
}

/** Whom a call went to. */
interface MeteredTarget {
  readonly provider: Provider;
  readonly model: string;
  readonly account: Account;
}

/** What one call reserves, until it is settled. */
export class MeteredCall {
  readonly #meter: Meter;
  readonly #budget: InferenceBudget;
  readonly #all: Account;
  readonly #inputTokens: number;
  #target: MeteredTarget | undefined;
  #reservedUsd = 0;

  constructor(meter: Meter, budget: InferenceBudget, all: Account, inputTokens: number) {
    this.#meter = meter;
    this.#budget = budget;
    this.#all = all;
    this.#inputTokens = inputTokens;
    all.reserve("tokens", inputTokens);
  }

  /** It goes to a provider now. @throws {CallFailure} If the budget has nothing left for that one, or nobody knows its price. */
  to(provider: Provider, model: string): void {
    this.#leave();
    const limits = this.#limitsOf(provider);
    const usage = { inputTokens: this.#inputTokens, outputTokens: 0, cachedTokens: 0 };
    const usd = this.#meter.prices.cost(provider, model, usage);
    if (usd === undefined && (this.#budget.usd ?? limits.usd) !== undefined) {
      const what = `the model ${JSON.stringify(model)} of the provider ${provider.name}`;
      throw new CallFailure("budget", `Nobody knows what ${what} costs, and there is a budget of money`, {
        denied: true,
      });
    }
    const account = this.#meter.accountOf(provider.name);
    account.enter(limits);
    this.#target = { provider, model, account };
    this.#reservedUsd = usd ?? 0;
    account.reserve("tokens", this.#inputTokens);
    for (const each of [account, this.#all]) each.reserve("usd", this.#reservedUsd);
  }

  /** What the client should know, as the value of a header. */
  warning(): string | undefined {
    const target = this.#target;
    const near = (account: Account, limits: InferenceLimits, name: string): string[] => {
      return (["tokens", "usd"] as const).flatMap((limit) => {
        const share = account.near(limits, limit);
        return share === undefined ? [] : [`${name}${limit} ${Math.floor(share * 100)}%`];
      });
    };
    const own =
      target === undefined ? [] : near(target.account, this.#limitsOf(target.provider), `${target.provider.name} `);
    const all = [...near(this.#all, this.#budget, ""), ...own];
    return all.length === 0 ? undefined : `used: ${all.join(", ")}`;
  }

  /** Whom it went to may have used so much, and it goes on to another. */
  lose(usage: Usage): void {
    const target = this.#target;
    this.#leave();
    this.#use(target, usage);
  }

  /** It is over. Gives what it cost, if that is known. */
  settle(usage: Usage): number | undefined {
    const target = this.#target;
    this.#leave();
    this.#all.reserve("tokens", -this.#inputTokens);
    return this.#use(target, usage);
  }

  #use(target: MeteredTarget | undefined, usage: Usage): number | undefined {
    const tokens = usage.inputTokens + usage.outputTokens;
    const usd = target === undefined ? 0 : this.#meter.prices.cost(target.provider, target.model, usage);
    for (const account of target === undefined ? [this.#all] : [this.#all, target.account]) {
      account.use("tokens", tokens);
      account.use("usd", usd ?? 0);
    }
    this.#meter.tell(this.#all, this.#budget, undefined);
    if (target !== undefined) this.#meter.tell(target.account, this.#limitsOf(target.provider), target.provider.name);
    return usd;
  }

  #leave(): void {
    const account = this.#target?.account;
    this.#target = undefined;
    if (account === undefined) return;
    account.reserve("tokens", -this.#inputTokens);
    for (const each of [account, this.#all]) each.reserve("usd", -this.#reservedUsd);
  }

  #limitsOf({ name }: Provider): InferenceLimits {
    const { providers = {} } = this.#budget;
    return Object.hasOwn(providers, name) ? (providers[name] ?? {}) : {};
  }
}
