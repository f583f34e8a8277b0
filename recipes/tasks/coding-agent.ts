/**
 * An agent that changes code.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { gitRule, type ModelParams, modelParams, npmRule, routed, SECRETS } from "../shared.ts";

/** Which repository, and where its packages come from. */
export interface CodingAgentParams extends ModelParams {
  /** `owner/name` at GitHub, to fetch from. */
  readonly repository?: string;
  /** The host of npm's registry. The command line reads it from npm's own configuration where nobody gives it. */
  readonly registry?: string;
}

/** Works on a repository, reads one remote of it, installs packages, and calls models; pushing is another recipe. */
export const codingAgent: Recipe<CodingAgentParams> = defineRecipe({
  name: "coding-agent",
  version: "1.0.0",
  description:
    "Works on a repository, reads one remote of it, installs packages, and calls models; pushing is another recipe.",
  params: z.object({
    repository: param.repository().optional().describe("owner/name at GitHub, to fetch from"),
    registry: param.registry("npm").optional().describe("where packages are installed from"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ repository, registry, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { write: ["."], deny: SECRETS },
      process: { deny: [{ id: "no-push", binary: "git", args: ["push", "**"] }] },
      network: {
        allow: [
          ...(repository === undefined ? [] : [gitRule(repository, false)]),
          ...(registry === undefined ? [] : [npmRule(registry)]),
        ],
      },
      inference: routed(models, ["api.anthropic.com", "api.openai.com"]),
    },
  }),
  tests: {
    params: { repository: "acme/site", registry: "npm.example.com" },
    claims: ({ allows, denies }) => [
      allows.write("src/main.ts"),
      denies.read(".env"),
      allows.start("git commit"),
      denies.start("git push origin"),
      allows.http("GET https://github.com/acme/site.git/info/refs?service=git-upload-pack"),
      denies.http("POST https://github.com/acme/site.git/git-receive-pack"),
      denies.http("POST https://github.com/acme/other.git/git-upload-pack"),
      allows.http("GET https://npm.example.com/left-pad"),
      denies.http("PUT https://npm.example.com/left-pad"),
      allows.model("claude-sonnet-5"),
    ],
  },
});
