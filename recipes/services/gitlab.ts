/**
 * One project at GitLab: read by glab, curl and git; pushed to only where that is said.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { GIT_HTTPS, gitRules, onlyGit, onlyThis } from "../shared.ts";
/** Which project, and what may be done to it. */
export interface GitlabParams {
  /** `group/name`. */
  readonly project: string;
  /** Its number, which the API knows it by. */
  readonly id: string;
  /** @default "gitlab.com" */
  readonly host?: string;
  /** Whether git may push. @default false */
  readonly push?: boolean;
}

/** One project at GitLab: read by glab, curl and git; pushed to only where that is said. */
export const gitlab: Recipe<GitlabParams> = defineRecipe({
  name: "gitlab",
  version: "1.0.0",
  kind: "service",
  description: "One project at GitLab: read by glab, curl and git; pushed to only where that is said.",
  params: z.object({
    project: param.repository().describe("group/name"),
    id: param.id().describe("the number of the project"),
    host: param.host().default("gitlab.com").describe("the host of GitLab"),
    push: z.boolean().default(false).describe("whether git may push"),
  }),
  build: ({ project, id, host, push }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            id: "gitlab-api",
            host,
            binaries: ["glab", "curl"],
            http: { rules: [{ methods: ["GET"], paths: [`/api/v4/projects/${id}`, `/api/v4/projects/${id}/**`] }] },
          },
          { id: "gitlab-git", host, binaries: GIT_HTTPS, http: { rules: gitRules(project, push) } },
        ],
      },
      credentials: [{ provider: "gitlab", hosts: [host], optional: true }],
    },
  }),
  tests: [
    {
      params: { project: "acme/site", id: "42" },
      claims: (words) => {
        const { denies } = words;
        return [
          denies.http("POST https://gitlab.com/api/v4/projects/42/issues"),
          ...onlyThis(words, "GET https://gitlab.com/api/v4/projects/42/merge_requests", "/api/v4/projects/43", "glab"),
          ...onlyGit(words, "gitlab.com", "acme/site"),
        ];
      },
    },
    {
      params: { project: "acme/site", id: "42", host: "git.example.com", push: true },
      claims: (words) => onlyGit(words, "git.example.com", "acme/site", true),
    },
  ],
});
