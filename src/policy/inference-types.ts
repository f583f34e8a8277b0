/**
 * The inference section of a policy, as a person writes it.
 *
 * @module
 */

/** Which models may be called, where the calls go, and how much they may use. */
export interface InferenceSection {
  /** The first route whose `models` match takes the call. */
  readonly routes?: readonly InferenceRoute[];
  /** Providers by name, beside those that are known by their kind, such as `anthropic` and `ollama`. */
  readonly providers?: Readonly<Record<string, InferenceProvider>>;
  /** Hosts whose API calls are routed as if they were made to `inference.local`; globs of labels allowed. */
  readonly intercept?: readonly string[];
  /** Whether a route that leads to another machine is an error. @default {false} */
  readonly localOnly?: boolean;
  readonly budget?: InferenceBudget;
  /** What of the sandbox must not go where it pleases. All rules that a call matches count: `deny`, then `ask`, `route`, `redact`. */
  readonly privacy?: readonly PrivacyRule[];
  /** Only `deny` is enforced: a call that no route takes has nowhere to go. @default {"deny"} */
  readonly unmatched?: "deny" | "ask";
}

/** The kind of a provider: what it speaks, where it is, and the host's variable that holds its key. */
export type ProviderKind = "openai" | "anthropic" | "nvidia" | "openrouter" | "gemini" | "ollama" | "vllm" | "nim";

/** A provider of models. */
export interface InferenceProvider {
  /** `openai` and `anthropic` with a `baseUrl` stand for everything that is compatible with them. */
  readonly kind: ProviderKind;
  /**
   * Where its API is: `https://host/v1` for the OpenAI family, without `/v1` for Anthropic's. The URL is the owner's: it may
   * lead to loopback and private networks.
   *
   * @default the kind's own
   */
  readonly baseUrl?: string;
  /** The variable of the host's environment that holds its key. @default the kind's, unless there is a `baseUrl` */
  readonly keyVariable?: string;
  /**
   * The name of a credential of the policy that is its key, in the place of a variable.
   *
   * @default a credential of the kind's, where the policy has one and there is no `baseUrl`
   */
  readonly credential?: string;
  /** Whether what it is told stays where its owner wants it. @default whether the `baseUrl` is on loopback */
  readonly local?: boolean;
  /** Whether it speaks the Responses API. Calls of it are translated for one that does not. @default whether the kind is `openai` */
  readonly responses?: boolean;
}

/** A provider that a call is sent to, and how. */
export interface InferenceTarget {
  /** The name of a provider: of this section, of `createSandbox`, or a kind. */
  readonly provider: string;
  /** The model that is asked instead. @default the one that was called */
  readonly model?: string;
  /** How long the provider may say nothing, with a unit: `"30s"`. @default {"5m"} */
  readonly timeout?: string;
  /** The same, in milliseconds. Only one of the two. */
  readonly timeoutMs?: number;
}

/** Where calls to some models go. */
export interface InferenceRoute extends InferenceTarget {
  /** The name of this route in verdicts. @default derived from the models */
  readonly id?: string;
  /** Globs of model names: `*` does not cross a `/`. */
  readonly models: readonly string[];
  /** Who is tried next where a provider is not reached, says nothing, or answers 408, 429 or 5xx. @default none */
  readonly fallbacks?: readonly InferenceTarget[];
}

/** What is looked for by name. */
export type BuiltInPattern = "keys" | "emails" | "cards" | "phones";

/** What is looked for in the texts of a call. */
export type PrivacyPattern =
  | BuiltInPattern
  /** In the syntax of RE2: no references back, and no looking ahead or behind. */
  | { readonly regex: string }
  /** The name of a function that `createSandbox` was given. */
  | { readonly function: string };

/** A rule about what calls carry. It has `sensitive`, `patterns` or both: either makes a call match. */
export interface PrivacyRule {
  /** The name of this rule in verdicts. @default derived from what it looks for */
  readonly id?: string;
  /** Files whose content counts once the sandbox has opened them: paths and globs as in the filesystem section. */
  readonly sensitive?: readonly string[];
  readonly patterns?: readonly PrivacyPattern[];
  /**
   * `route`: another provider takes the call. `redact`: it goes without what was found. `deny`: it goes nowhere. `ask`: the
   * approver decides.
   */
  readonly action: "route" | "redact" | "deny" | "ask";
  /** Who takes the call: a local provider. Only with `route`. */
  readonly provider?: string;
  /** The model that it is asked for. Only with `route`. @default the one that was called */
  readonly model?: string;
  /** Whether it is about calls to local providers, too. @default {false} */
  readonly local?: boolean;
}

/** How much calls may use. */
export interface InferenceLimits {
  /** Tokens in and out. @default no limit */
  readonly tokens?: number;
  /** US dollars, by the table of prices. @default no limit */
  readonly usd?: number;
  /** Calls in any one minute. @default no limit */
  readonly callsPerMinute?: number;
}

/** What all calls of a sandbox may use together, and those to one provider. */
export interface InferenceBudget extends InferenceLimits {
  readonly providers?: Readonly<Record<string, InferenceLimits>>;
}
