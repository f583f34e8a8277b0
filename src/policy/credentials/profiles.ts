/**
 * What is known of providers: where their credentials are found on a host, which hosts they are for, and where they stand in
 * requests. The names of variables are those that the providers' own programs read.
 *
 * @module
 */
import type { CredentialPlaces, CredentialProvider } from "./types.ts";

/** What is known of one provider. */
export interface CredentialProfile {
  /** Where the host's environment has it, the first that is set; the sandbox gets it in the same one. */
  readonly variables: readonly [string, ...string[]];
  /** Empty: the policy has to name them. */
  readonly hosts: readonly string[];
  readonly places: Required<CredentialPlaces>;
}

const places = (
  headers: readonly string[],
  { query = [], basic = false }: CredentialPlaces = {},
): Required<CredentialPlaces> => {
  return { headers, query, basic };
};

const BEARER = places(["authorization"]);
const ANTHROPIC = places(["x-api-key", "authorization"]);
const GIT = places(["authorization"], { basic: true });

/** By name. */
export const CREDENTIAL_PROFILES: Readonly<Record<CredentialProvider, CredentialProfile>> = {
  anthropic: { variables: ["ANTHROPIC_API_KEY"], hosts: ["api.anthropic.com"], places: ANTHROPIC },
  // Its secret is sent nowhere: requests that the sandbox has signed are signed anew.
  aws: { variables: ["AWS_ACCESS_KEY_ID"], hosts: ["**.amazonaws.com"], places: places([]) },
  claude: {
    variables: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
    hosts: ["api.anthropic.com"],
    places: ANTHROPIC,
  },
  codex: { variables: ["CODEX_API_KEY", "OPENAI_API_KEY"], hosts: ["api.openai.com"], places: BEARER },
  copilot: {
    variables: ["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
    hosts: ["api.github.com", "api.githubcopilot.com", "*.githubcopilot.com"],
    places: BEARER,
  },
  gemini: {
    variables: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    hosts: ["generativelanguage.googleapis.com"],
    places: places(["x-goog-api-key", "authorization"], { query: ["key"] }),
  },
  github: {
    variables: ["GH_TOKEN", "GITHUB_TOKEN"],
    hosts: ["api.github.com", "github.com", "uploads.github.com"],
    places: GIT,
  },
  gitlab: {
    variables: ["GITLAB_TOKEN"],
    hosts: ["gitlab.com"],
    places: places(["private-token", "authorization"], { basic: true }),
  },
  huggingface: { variables: ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"], hosts: ["huggingface.co"], places: GIT },
  npm: { variables: ["NPM_TOKEN", "NODE_AUTH_TOKEN"], hosts: [], places: GIT },
  nvidia: { variables: ["NVIDIA_API_KEY"], hosts: ["integrate.api.nvidia.com"], places: BEARER },
  openai: { variables: ["OPENAI_API_KEY"], hosts: ["api.openai.com"], places: BEARER },
  opencode: {
    variables: ["OPENCODE_API_KEY"],
    hosts: ["opencode.ai"],
    places: places(["authorization", "x-api-key", "x-goog-api-key"]),
  },
  openrouter: { variables: ["OPENROUTER_API_KEY"], hosts: ["openrouter.ai"], places: BEARER },
  pypi: { variables: ["PYPI_TOKEN", "TWINE_PASSWORD", "UV_PUBLISH_TOKEN"], hosts: [], places: GIT },
};

/** Where a credential of no provider stands. */
export const PLACES_DEFAULT: Required<CredentialPlaces> = GIT;
