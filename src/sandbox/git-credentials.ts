/**
 * How git comes to send a credential that stands in a variable: by a helper that its configuration names, which the
 * environment carries. No file is written.
 *
 * Source: git-config(1) (`GIT_CONFIG_COUNT`), gitcredentials(7).
 *
 * @module
 */
import type { GrantedCredential } from "../credentials/mod.ts";
import type { CredentialProvider } from "../policy/core.ts";
import type { Variables } from "./environment.ts";

/** Whom the hosts of a provider take for the user of a token. */
const USERS: Readonly<Partial<Record<CredentialProvider, string>>> = {
  github: "x-access-token",
  gitlab: "oauth2",
  huggingface: "token",
};

/** The same variables, and a helper for each host of credentials that git may send. */
export function withGitHelpers(variables: Variables, credentials: readonly GrantedCredential[]): Variables {
  const before = Number(variables.GIT_CONFIG_COUNT);
  // Whoever says something else of it knows best.
  if (!Number.isSafeInteger(before)) return variables;
  const entries = credentials.flatMap(helpersOf);
  if (entries.length === 0) return variables;
  const added = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${before + index}`, key],
    [`GIT_CONFIG_VALUE_${before + index}`, value],
  ]);
  return { ...variables, ...Object.fromEntries(added), GIT_CONFIG_COUNT: String(before + entries.length) };
}

function helpersOf({ credential, variable }: GrantedCredential): readonly (readonly [key: string, value: string])[] {
  if (credential.expose !== "sealed" || credential.provider === undefined || !credential.places.basic) return [];
  const user = USERS[credential.provider];
  if (user === undefined || variable === undefined) return [];
  // The value is in the variable alone: what is written here is in no way secret.
  const helper = `!f() { test "$1" = get && echo username=${user} && echo "password=$${variable}"; }; f`;
  const hosts = credential.hosts.filter((host) => !host.includes("*"));
  return hosts.flatMap((host) => {
    return credential.ports.map((port) => {
      const authority = port === 443 ? host : `${host}:${port}`;
      return [`credential.https://${authority}.helper`, helper] as const;
    });
  });
}
