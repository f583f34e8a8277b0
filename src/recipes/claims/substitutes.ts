/**
 * What a trial has in the place of a machine's models and secrets.
 *
 * @module
 */
import type { CredentialSource } from "../../credentials/mod.ts";
import type { InferenceProvider, Policy } from "../../policy/types.ts";
import type { Outside } from "./outside.ts";
import { STAND_IN_PROVIDER } from "./relax.ts";

/** A value for each credential that policies name. */
export function standInCredentials(policies: readonly Policy[]): Readonly<Record<string, CredentialSource>> {
  const all = policies.flatMap(({ credentials = [] }) => credentials);
  return Object.fromEntries(all.map(({ name, provider }) => [name ?? provider ?? "", () => "stand-in-credential"]));
}

/** This process, for each provider of models that policies name. */
export function standInProviders(
  policies: readonly Policy[],
  { models }: Outside,
): Readonly<Record<string, InferenceProvider>> {
  const entries = policies.flatMap(({ inference = {} }) => {
    const routed = (inference.routes ?? []).flatMap(({ provider, fallbacks = [] }) => [
      provider,
      ...fallbacks.map((each) => each.provider),
    ]);
    return [...routed, ...Object.keys(inference.providers ?? {})].map((name): [string, InferenceProvider] => {
      const isAnthropic = (inference.providers?.[name]?.kind ?? name) === "anthropic";
      return [name, isAnthropic ? { kind: "anthropic", baseUrl: models } : { kind: "openai", baseUrl: `${models}/v1` }];
    });
  });
  return Object.fromEntries([...entries, [STAND_IN_PROVIDER, { kind: "openai", baseUrl: `${models}/v1` }]]);
}
