/**
 * Credentials that this process's environment has, for hosts that the policy lets the program reach.
 *
 * @module
 */
import { displaySafe } from "../../audit/display.ts";
import { type CredentialRule, explain, type Policy } from "../../mod.ts";
import { CREDENTIAL_PROFILES, normalizePolicy } from "../../policy/core.ts";

/** In the order of preference: where several read one variable, the widest comes first. */
const PROVIDERS = [
  "claude",
  "codex",
  "gemini",
  "github",
  "gitlab",
  "huggingface",
  "nvidia",
  "openrouter",
  "opencode",
] as const;

/**
 * Adds what is found, sealed: the program gets placeholders. What the policy says of a provider or of a variable stays as it
 * is said there.
 */
export async function withDiscovered(policy: Policy, environment: NodeJS.ProcessEnv = process.env): Promise<Policy> {
  const given = policy.credentials ?? [];
  const taken = new Set(given.flatMap(variablesOf));
  const found: (typeof PROVIDERS)[number][] = [];
  for (const provider of PROVIDERS) {
    const { variables, hosts } = CREDENTIAL_PROFILES[provider];
    const isNamed = variables.some((name) => taken.has(name)) || given.some((rule) => rule.provider === provider);
    if (isNamed || !variables.some((name) => environment[name])) continue;
    if (await isReachable(policy, hosts)) found.push(provider);
  }
  if (found.length === 0) return policy;
  return {
    ...policy,
    credentials: [...given, ...found.map((provider): CredentialRule => ({ provider, optional: true }))],
  };
}

function variablesOf({ provider, variable, name }: CredentialRule): readonly string[] {
  const own = [variable, name].filter((each) => each !== undefined);
  return provider === undefined ? own : [...own, ...CREDENTIAL_PROFILES[provider].variables];
}

/** Whether the policy lets some program connect to one of them, as far as it does not ask which. */
async function isReachable(policy: Policy, hosts: readonly string[]): Promise<boolean> {
  for (const host of hosts) {
    // A profile's glob stands beside names that are of it.
    if (host.includes("*")) continue;
    const { verdict } = await explain(policy, { domain: "network", host, port: 443 });
    if (verdict !== "deny") return true;
  }
  return false;
}

/** What is sealed for which hosts, in a line; undefined: nothing is. */
export function sealedLine(policy: Policy, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const parts = normalizePolicy(policy).credentials.map((rule) => {
    const profile = rule.provider === undefined ? undefined : CREDENTIAL_PROFILES[rule.provider];
    const name = rule.variable ?? profile?.variables.find((each) => environment[each]) ?? rule.name;
    if (rule.expose === "sealed" && rule.login !== undefined) {
      return displaySafe(`${rule.name} (a login) for ${rule.hosts.join(" ")}`);
    }
    return displaySafe(rule.expose === "env" ? `${name} in clear` : `${name} for ${rule.hosts.join(" ")}`);
  });
  return parts.length === 0 ? undefined : `sealed credentials: ${parts.join("; ")}`;
}
