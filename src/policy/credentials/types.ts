/**
 * Credentials as a policy has them.
 *
 * @module
 */

/** The providers whose hosts, variables and places Cofferdam knows. */
export type CredentialProvider =
  | "anthropic"
  | "aws"
  | "claude"
  | "codex"
  | "copilot"
  | "gemini"
  | "github"
  | "gitlab"
  | "huggingface"
  | "npm"
  | "nvidia"
  | "openai"
  | "opencode"
  | "openrouter"
  | "pypi";

/** The providers whose logins Cofferdam knows. */
export type LoginProvider = "claude" | "codex" | "copilot" | "gemini";

/**
 * A secret that the sandbox may use and never sees: it gets a placeholder, which is replaced in requests to the hosts that
 * the secret is bound to.
 *
 * With a `provider`, every other key has a default. Without one, `name` is needed, and `hosts` unless `expose` is `env`.
 *
 * @example
 * ```ts
 * import type { CredentialRule } from "cofferdam";
 *
 * const rules: readonly CredentialRule[] = [
 *   { provider: "github" },
 *   { name: "ACME_TOKEN", hosts: ["api.acme.example"], paths: ["/v1/**"], places: { headers: ["x-acme-token"] } },
 * ];
 * ```
 */
export interface CredentialRule {
  /** A provider that Cofferdam knows. npm and pypi have no hosts of their own: give yours. */
  readonly provider?: CredentialProvider;
  /** The name in records and in the option `credentials`; without `variable` and `provider` also the variable. @default the provider */
  readonly name?: string;
  /** The environment variable in the sandbox. @default the one that the host has it in, or the name */
  readonly variable?: string;
  /** The hosts that it is sent to: names, or globs of labels below a name. @default the provider's */
  readonly hosts?: readonly string[];
  /** @default {[443]} */
  readonly ports?: readonly number[];
  /** Globs of URL paths, decoded, each from `/`. @default any */
  readonly paths?: readonly string[];
  /**
   * A login in place of a key: the file that Claude Code, Codex, Copilot or Gemini keeps of a subscription. The sandbox gets
   * a file of the same shape with placeholders, and the host renews the real tokens. For these four providers.
   *
   * @default {false}
   */
  readonly login?: boolean;
  /** Where in a request it may stand. @default the provider's, or the header `authorization`, Basic included */
  readonly places?: CredentialPlaces;
  /** `env`: the sandbox holds the value itself, and may send it wherever it can connect to. @default {"sealed"} */
  readonly expose?: CredentialExposure;
  /** Whether it is sent over http too, where everybody on the way can read it. @default {false} */
  readonly plaintext?: boolean;
  /** Whether the sandbox starts without it where the host does not have it. @default {false} */
  readonly optional?: boolean;
}

/** What the sandbox gets of a credential: a placeholder, or the value itself. */
export type CredentialExposure = "sealed" | "env";

/** Where in a request a credential may stand. At least one key. */
export interface CredentialPlaces {
  /** Headers whose values may hold it, anywhere in them. */
  readonly headers?: readonly string[];
  /** Query parameters whose values may hold it. */
  readonly query?: readonly string[];
  /** Whether it may be in the user name or password of HTTP Basic (`Authorization`). */
  readonly basic?: boolean;
}
