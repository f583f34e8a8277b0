/**
 * What is known of logins: the hosts that their tokens are for, and where those stand in requests.
 *
 * @module
 */
import type { CredentialPlaces, CredentialProvider, LoginProvider } from "./types.ts";

/** What is known of one. */
export interface LoginProfile {
  readonly hosts: readonly string[];
  readonly places: Required<CredentialPlaces>;
}

const BEARER: Required<CredentialPlaces> = { headers: ["authorization"], query: [], basic: false };

/** By provider. */
export const LOGIN_PROFILES: Readonly<Record<LoginProvider, LoginProfile>> = {
  claude: { hosts: ["api.anthropic.com"], places: BEARER },
  codex: { hosts: ["chatgpt.com"], places: BEARER },
  copilot: { hosts: ["api.github.com", "api.githubcopilot.com", "*.githubcopilot.com"], places: BEARER },
  gemini: { hosts: ["cloudcode-pa.googleapis.com", "www.googleapis.com"], places: BEARER },
};

/** Whether there are logins of it. */
export function isLoginProvider(provider: CredentialProvider): provider is LoginProvider {
  return Object.hasOwn(LOGIN_PROFILES, provider);
}
