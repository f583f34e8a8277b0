/**
 * One repository at GitHub: read by gh, curl and git; commented on and pushed to only where that is said.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { GIT_HTTPS, gitRules, onlyGit, onlyThis } from "../shared.ts";
/** Which repository, and what may be done to it. */
export interface GithubParams {
  /** `owner/name`. */
  readonly repository: string;
  /** Whether issues and pull requests may be opened and commented on. @default false */
  readonly comment?: boolean;
  /** Whether git may push. @default false */
  readonly push?: boolean;
}

/** What a comment, a review or a pull request is written to. */
function commentPaths(repository: string): string[] {
  return ["issues", "pulls"].map((kind) => `/repos/${repository}/${kind}/**`);
}

/** One repository at GitHub: read by gh, curl and git; commented on and pushed to only where that is said. */
export const github: Recipe<GithubParams> = defineRecipe({
  name: "github",
  version: "1.0.0",
  kind: "service",
  description:
    "One repository at GitHub: read by gh, curl and git; commented on and pushed to only where that is said.",
  params: z.object({
    repository: param.repository().describe("owner/name"),
    comment: z.boolean().default(false).describe("whether issues and pull requests may be written"),
    push: z.boolean().default(false).describe("whether git may push"),
  }),
  build: ({ repository, comment, push }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            id: "github-api",
            host: "api.github.com",
            binaries: ["gh", "curl"],
            http: {
              rules: [
                { methods: ["GET"], paths: [`/repos/${repository}`, `/repos/${repository}/**`] },
                ...(comment ? [{ methods: ["POST", "PATCH"], paths: commentPaths(repository) }] : []),
              ],
            },
          },
          { id: "github-git", host: "github.com", binaries: GIT_HTTPS, http: { rules: gitRules(repository, push) } },
        ],
      },
      credentials: [{ provider: "github", optional: true }],
    },
  }),
  tests: [
    {
      params: { repository: "acme/site" },
      claims: (words) => {
        const { denies } = words;
        return [
          denies.http("POST https://api.github.com/repos/acme/site/issues/1/comments"),
          denies.http("DELETE https://api.github.com/repos/acme/site"),
          ...onlyThis(words, "GET https://api.github.com/repos/acme/site/pulls/7", "/repos/acme/other"),
          ...onlyGit(words, "github.com", "acme/site"),
        ];
      },
    },
    {
      params: { repository: "acme/site", comment: true, push: true },
      claims: (words) => {
        const { allows, denies } = words;
        return [
          allows.http("GET https://api.github.com/repos/acme/site"),
          denies.http("PUT https://api.github.com/repos/acme/site/collaborators/eve"),
          ...onlyThis(
            words,
            "POST https://api.github.com/repos/acme/site/issues/1/comments",
            "/repos/acme/other/issues/1/comments",
          ),
          ...onlyGit(words, "github.com", "acme/site", true),
        ];
      },
    },
  ],
});
