/**
 * Credentials with every default explicit.
 *
 * @module
 */
import type { NormalizedCredential } from "../normalized.ts";
import { isLoginProvider, LOGIN_PROFILES } from "./logins.ts";
import { CREDENTIAL_PROFILES, PLACES_DEFAULT } from "./profiles.ts";
import type { CredentialPlaces, CredentialRule } from "./types.ts";

/** What a credential means. */
export function normalizeCredential(rule: CredentialRule): NormalizedCredential {
  const { provider, expose = "sealed", ports = [443], paths, plaintext = false, optional = false } = rule;
  const profile = provider === undefined ? undefined : CREDENTIAL_PROFILES[provider];
  const name = rule.name ?? provider ?? "";
  const variable = rule.variable ?? (provider === undefined ? name : undefined);
  const common = {
    id: `credentials:${name}`,
    name,
    ...(provider === undefined ? {} : { provider }),
    ...(variable === undefined ? {} : { variable }),
    optional,
  };
  if (expose === "env") return { ...common, expose };
  const login = rule.login === true && provider !== undefined && isLoginProvider(provider) ? provider : undefined;
  const usual = login === undefined ? profile : LOGIN_PROFILES[login];
  return {
    ...common,
    expose,
    hosts: (rule.hosts ?? usual?.hosts ?? []).map((host) => host.toLowerCase()),
    ports: [...new Set(ports)].sort((a, b) => a - b),
    ...(paths === undefined ? {} : { paths }),
    places: rule.places === undefined ? (usual?.places ?? PLACES_DEFAULT) : placesOf(rule.places),
    plaintext,
    ...(login === undefined ? {} : { login }),
  };
}

function placesOf({ headers = [], query = [], basic = false }: CredentialPlaces): Required<CredentialPlaces> {
  return { headers: headers.map((name) => name.toLowerCase()), query, basic };
}
