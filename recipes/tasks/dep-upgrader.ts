/**
 * An agent that brings dependencies up to date.
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
  type RegistryParams,
  routed,
  SECRETS,
  secretsStay,
} from "../shared.ts";

/** Which repository, and where its packages come from. */
export interface DepUpgraderParams extends ModelParams, RegistryParams {
  /** `owner/name` at GitHub. */
  readonly repository: string;
  /** Whether git may push. @default false */
  readonly push?: boolean;
}

/** Changes a repository, installs packages, and pushes to that repository only where that is said; git-guard keeps it from main and release branches, and from force. */
export const depUpgrader: Recipe<DepUpgraderParams> = defineRecipe({
  name: "dep-upgrader",
  version: "1.0.0",
  description:
    "Changes a repository, installs packages, and pushes to that repository only where that is said; git-guard keeps it from main and release branches, and from force.",
  params: z.object({
    repository: param.repository().describe("owner/name at GitHub"),
    registry: param.registry("npm").describe("where packages are installed from"),
    addresses: addressesParam(),
    push: z.boolean().default(false).describe("whether git may push"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ repository, registry, addresses, push, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { write: ["."], deny: SECRETS },
      network: { allow: [gitRule(repository, push), npmRule(registry, addresses)] },
      inference: routed(models),
      credentials: [{ provider: "github", hosts: ["github.com"], optional: true }],
      locked: ["network", "credentials"],
    },
    // A rule on HTTP does not see branches.
    plugins: push ? [{ name: "git-guard" }] : [],
  }),
  tests: [
    {
      params: { repository: "acme/site", registry: "npm.example.com" },
      claims: (words) => {
        const { allows, denies } = words;
        return [
          allows.write("package.json"),
          denies.http("GET https://example.com/"),
          ...secretsStay(words),
          ...onlyGit(words, "github.com", "acme/site"),
          ...onlyThis(words, "GET https://npm.example.com/left-pad"),
          allows.model("claude-sonnet-5"),
        ];
      },
    },
    {
      params: { repository: "acme/site", registry: "npm.example.com", push: true },
      claims: (words) => [...onlyGit(words, "github.com", "acme/site", true)],
    },
  ],
});
