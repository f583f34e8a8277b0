/**
 * An agent that brings dependencies up to date.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { gitRule, type ModelParams, modelParams, npmRule, routed, SECRETS } from "../shared.ts";

/** Which repository, and where its packages come from. */
export interface DepUpgraderParams extends ModelParams {
  /** `owner/name` at GitHub. */
  readonly repository: string;
  /** The host of npm's registry. The command line reads it from npm's own configuration where nobody gives it. */
  readonly registry: string;
  /** Whether git may push. @default false */
  readonly push?: boolean;
}

/** Changes a repository, installs packages, and pushes to that repository only where that is said; what branches it may push to, git-guard judges. */
export const depUpgrader: Recipe<DepUpgraderParams> = defineRecipe({
  name: "dep-upgrader",
  version: "1.0.0",
  description:
    "Changes a repository, installs packages, and pushes to that repository only where that is said; what branches it may push to, git-guard judges.",
  params: z.object({
    repository: param.repository().describe("owner/name at GitHub"),
    registry: param.registry("npm").describe("where packages are installed from"),
    push: z.boolean().default(false).describe("whether git may push"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ repository, registry, push, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { write: ["."], deny: SECRETS },
      network: { allow: [gitRule(repository, push), npmRule(registry)] },
      inference: routed(models),
      credentials: [{ provider: "github", hosts: ["github.com"], optional: true }],
      locked: ["network", "credentials"],
    },
  }),
  tests: [
    {
      params: { repository: "acme/site", registry: "npm.example.com" },
      claims: ({ allows, denies }) => [
        allows.write("package.json"),
        allows.http("GET https://npm.example.com/left-pad"),
        denies.http("POST https://github.com/acme/site.git/git-receive-pack"),
        denies.http("GET https://example.com/"),
      ],
    },
    {
      params: { repository: "acme/site", registry: "npm.example.com", push: true },
      claims: ({ allows, denies }) => [
        allows.http("POST https://github.com/acme/site.git/git-receive-pack"),
        denies.http("POST https://github.com/acme/other.git/git-receive-pack"),
      ],
    },
  ],
});
