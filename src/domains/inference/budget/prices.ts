/**
 * What tokens cost.
 *
 * @module
 */
import { compileGlob, type GlobMatcher } from "../../../policy/core.ts";
import { KINDS } from "../../../policy/providers/kinds.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import type { Usage } from "../router/usage.ts";

/** The price of some models, in US dollars for a million tokens. */
export interface ModelPrice {
  /** Globs of the names by which the provider is asked for them. */
  readonly models: readonly string[];
  /** The name of the provider. @default any */
  readonly provider?: string;
  readonly input: number;
  readonly output: number;
  /** Of input that comes from the provider's cache. @default that of all input */
  readonly cachedInput?: number;
}

const price = (provider: string, models: string, input: number, cachedInput: number, output: number): ModelPrice => {
  return { provider, models: models.split(" "), input, cachedInput, output };
};

/** List prices of some models, which change: whoever holds a budget to the cent gives a table of their own. */
export const PRICES: readonly ModelPrice[] = [
  price("anthropic", "claude-opus-4-5* claude-opus-4-6*", 5, 0.5, 25),
  price("anthropic", "claude-opus-4*", 15, 1.5, 75),
  price("anthropic", "claude-sonnet-4* claude-3-7-sonnet* claude-3-5-sonnet*", 3, 0.3, 15),
  price("anthropic", "claude-haiku-4*", 1, 0.1, 5),
  price("anthropic", "claude-3-5-haiku*", 0.8, 0.08, 4),
  price("openai", "gpt-5-mini*", 0.25, 0.025, 2),
  price("openai", "gpt-5-nano*", 0.05, 0.005, 0.4),
  price("openai", "gpt-5 gpt-5-20* gpt-5-codex gpt-5.1 gpt-5.1-codex", 1.25, 0.125, 10),
  price("openai", "gpt-4.1 gpt-4.1-20*", 2, 0.5, 8),
  price("openai", "gpt-4.1-mini*", 0.4, 0.1, 1.6),
  price("openai", "gpt-4o-mini gpt-4o-mini-20*", 0.15, 0.075, 0.6),
  price("openai", "gpt-4o gpt-4o-20*", 2.5, 1.25, 10),
  price("openai", "o3 o3-20*", 2, 0.5, 8),
  price("openai", "o4-mini o4-mini-20*", 1.1, 0.275, 4.4),
];

/** Finds prices. */
export class PriceTable {
  readonly #prices: readonly (ModelPrice & { readonly matches: GlobMatcher })[];

  /** The first price that matches counts. */
  constructor(prices: readonly ModelPrice[] = PRICES) {
    this.#prices = prices.map((each) => {
      const globs = each.models.map((glob) => compileGlob(glob));
      return { ...each, matches: (model) => globs.some((matches) => matches(model)) };
    });
  }

  /** What a call costs. What is local and not in the table costs nothing. Undefined: nobody knows. */
  cost({ name, kind, baseUrl, local }: Provider, model: string, usage: Omit<Usage, "estimated">): number | undefined {
    // A built-in price is for the kind's own host, whatever the owner calls it.
    const names = baseUrl === KINDS[kind].baseUrl ? [name, kind] : [name];
    const found = this.#prices.find(
      ({ provider, matches }) => (provider === undefined || names.includes(provider)) && matches(model),
    );
    if (found === undefined) return local ? 0 : undefined;
    const { input, output, cachedInput = input } = found;
    const fresh = usage.inputTokens - usage.cachedTokens;
    return (fresh * input + usage.cachedTokens * cachedInput + usage.outputTokens * output) / 1_000_000;
  }
}
