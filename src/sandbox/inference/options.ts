/**
 * The host's part of inference: providers, and where their keys come from.
 *
 * @module
 */
import { type ModelPrice, type PatternFunction, PriceTable, type ProviderTable } from "../../domains/inference/mod.ts";
import { SandboxError } from "../../errors.ts";
import type { InferenceProvider } from "../../policy/core.ts";
import { providerSchema } from "../../policy/inference-schema.ts";
import { formatPath } from "../../policy/issues.ts";

/**
 * Gives the key of a provider, by its name. It is asked with every call, so a new key counts at once.
 *
 * Shape: `undefined` is no key. The key is sent to the provider and to nobody else.
 */
export type KeySource = (provider: string) => string | undefined | PromiseLike<string | undefined>;

/** The host's part of inference. */
export interface InferenceOptions {
  /** Providers by name, beside those of the policy, whose names come first. */
  readonly providers?: Readonly<Record<string, InferenceProvider>>;
  /**
   * Where keys come from.
   *
   * @default the variables of this process's environment that are the provider's: `ANTHROPIC_API_KEY`, `OPENAI_API_KEY`, ...
   */
  readonly keyFor?: KeySource;
  /**
   * What tokens cost: the first entry that matches counts. Where the policy has a budget of money, calls to remote models that
   * are not in the table are denied.
   *
   * @default list prices of some models of OpenAI and Anthropic
   */
  readonly prices?: readonly ModelPrice[];
  /** Functions by the names that rules of privacy call them by. They see every text of a call, and run on this event loop. */
  readonly patterns?: Readonly<Record<string, PatternFunction>>;
}

/**
 * The providers, checked, as the prices are.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If one is malformed.
 */
export function readProviders({ providers = {}, prices, patterns = {} }: InferenceOptions = {}): ProviderTable {
  for (const [name, find] of Object.entries(patterns)) {
    if (typeof find !== "function") throw invalid(`inference.patterns.${name}`, find, "it is no function");
  }
  if (prices !== undefined) checkPrices(prices);
  for (const [name, provider] of Object.entries(providers)) {
    const place = `inference.providers.${name}`;
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) {
      throw invalid(place, name, 'a name is up to 128 letters, digits, ".", "_" and "-"');
    }
    const read = providerSchema.safeParse(provider);
    const issue = read.error?.issues[0];
    if (issue === undefined) continue;
    const path = formatPath(issue.path.map((part) => (typeof part === "number" ? part : String(part))));
    throw invalid(place, provider, `${path === "" ? "" : `${path}: `}${issue.message}`);
  }
  return providers;
}

function checkPrices(prices: readonly ModelPrice[]): void {
  const sound = ({ input, output, cachedInput = 0 }: ModelPrice): boolean =>
    [input, output, cachedInput].every((each) => Number.isFinite(each) && each >= 0);
  prices.forEach((each, index) => {
    const argument = `inference.prices[${index}]`;
    if (!sound(each)) throw invalid(argument, each, "a price is a number of US dollars for a million tokens");
    try {
      new PriceTable([each]);
    } catch {
      throw invalid(argument, each, "its models are no globs");
    }
  });
}

function invalid(argument: string, value: unknown, reason: string): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", `Cannot use ${argument}: ${reason}`, {
    details: { argument, value },
    hint: 'A provider has a kind, and may have a baseUrl: { kind: "openai", baseUrl: "http://127.0.0.1:8080/v1" }',
  });
}
