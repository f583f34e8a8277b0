/**
 * Keys of providers, as the host gives them: by the option `keyFor`, by a credential of the policy, or in a variable.
 *
 * @module
 */
import type { CredentialStore } from "../../credentials/mod.ts";
import type { Provider } from "../../domains/inference/mod.ts";
import { CREDENTIAL_PROFILES, type NormalizedCredential } from "../../policy/core.ts";
import type { KeySource } from "./options.ts";

/** Where keys are looked for. */
export interface KeySetting {
  readonly keyFor: KeySource | undefined;
  readonly credentials: CredentialStore;
  /** Told what is wrong with a key, without the key. */
  problem(error: Error): void;
}

/** What a header can carry. */
const KEY = /^[\x21-\x7e]{1,8192}$/;

/** Finds the key of a provider. An unusable one is none. */
export async function findKey(provider: Provider, setting: KeySetting): Promise<string | undefined> {
  const key = await lookUp(provider, setting);
  if (key === undefined || key === "") return undefined;
  if (KEY.test(key)) return key;
  setting.problem(
    new Error(`The key of the provider ${provider.name} cannot be sent: it has characters that no header carries`),
  );
  return undefined;
}

async function lookUp(provider: Provider, { keyFor, credentials, problem }: KeySetting): Promise<string | undefined> {
  const { name, keyVariables } = provider;
  try {
    if (keyFor !== undefined) return await keyFor(name);
    const credential = credentialOf(provider, credentials);
    if (credential !== undefined) return await credentials.value(credential);
  } catch (error) {
    // What a function of the owner throws may name the key.
    const why = keyFor === undefined && error instanceof Error ? error.message : "keyFor failed";
    problem(new Error(`The key of the provider ${name} was not given: ${why}`));
    return undefined;
  }
  return keyVariables.map((variable) => process.env[variable]).find((value) => value !== undefined && value !== "");
}

/** The name of the credential that is a provider's key. */
export function credentialOf(provider: Provider, { granted }: Pick<CredentialStore, "granted">): string | undefined {
  if (provider.credential !== undefined) return provider.credential;
  if (!provider.isOwn) return undefined;
  const { hostname } = new URL(provider.baseUrl);
  return granted.find(({ credential }) => isKeyAt(hostname, credential))?.credential.name;
}

/** Only what its own provider made is sent to it unasked, and only where the policy binds it to. */
function isKeyAt(host: string, credential: NormalizedCredential): boolean {
  if (credential.provider === undefined || !CREDENTIAL_PROFILES[credential.provider].hosts.includes(host)) return false;
  return credential.expose === "env" || (credential.hosts.includes(host) && credential.ports.includes(443));
}
