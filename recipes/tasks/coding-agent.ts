/**
 * An agent that changes code.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import {
  addressesParam,
  gitRule,
  type ModelParams,
  modelParams,
  npmRule,
  onlyGit,
  onlyThis,
  routed,
  SECRETS,
  secretsStay,
} from "../shared.ts";

/** Which repository, and where its packages come from. */
export interface CodingAgentParams extends ModelParams {
  /** `owner/name` at GitHub, to fetch from. */
  readonly repository?: string;
  /** The host of npm's registry. The command line reads it from npm's own configuration where nobody gives it. */
  readonly registry?: string;
  /** Private addresses that the registry may have: `10.0.5.0/24`. Public ones need none. */
  readonly addresses?: readonly string[];
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
    addresses: addressesParam(),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ repository, registry, addresses, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { write: ["."], deny: SECRETS },
      process: { deny: [{ id: "no-push", binary: "git", args: ["push", "**"] }] },
      network: {
        allow: [
          ...(repository === undefined ? [] : [gitRule(repository, false)]),
          ...(registry === undefined ? [] : [npmRule(registry, addresses)]),
        ],
      },
      inference: routed(models, ["api.anthropic.com", "api.openai.com"]),
    },
  }),
  tests: {
    params: { repository: "acme/site", registry: "npm.example.com" },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.write("src/main.ts"),
        allows.start("git commit"),
        denies.start("git push origin"),
        denies.http("PUT https://npm.example.com/left-pad"),
        allows.model("claude-sonnet-5"),
        ...secretsStay(words),
        ...onlyGit(words, "github.com", "acme/site"),
        ...onlyThis(words, "GET https://npm.example.com/left-pad"),
      ];
    },
  },
});
