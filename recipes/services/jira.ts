/**
 * Reading issues of a site of Jira; commenting on them only where that is said.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Which site. */
export interface JiraParams {
  /** For instance `acme.atlassian.net`. */
  readonly site: string;
  /** Whether comments may be written. @default false */
  readonly comment?: boolean;
}

/** Reading issues of a site of Jira; commenting on them only where that is said. */
export const jira: Recipe<JiraParams> = defineRecipe({
  name: "jira",
  version: "1.0.0",
  kind: "service",
  description: "Reading issues of a site of Jira; commenting on them only where that is said.",
  params: z.object({
    site: param.host().describe("for instance acme.atlassian.net"),
    comment: z.boolean().default(false).describe("whether comments may be written"),
  }),
  build: ({ site, comment }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "jira", host: site, binaries: ["node", "curl", "python3", "python3.*"] },
            http: {
              rules: [
                { methods: ["GET"], paths: ["/rest/api/3/issue/**", "/rest/api/3/search/**", "/rest/api/3/myself"] },
                ...(comment ? [{ methods: ["POST"], paths: ["/rest/api/3/issue/*/comment"] }] : []),
              ],
            },
          },
        ],
      },
      credentials: [{ name: "JIRA_API_TOKEN", hosts: [site], paths: ["/rest/**"], optional: true }],
    },
  }),
  tests: {
    params: { site: "acme.atlassian.net", comment: true },
    claims: (words) => {
      const { denies } = words;
      return [
        denies.http("GET https://other.atlassian.net/rest/api/3/issue/AB-1"),
        ...onlyThis(words, "GET https://acme.atlassian.net/rest/api/3/issue/AB-1", "/rest/api/3/user/search"),
        ...onlyThis(words, "POST https://acme.atlassian.net/rest/api/3/issue/AB-1/comment", "/rest/api/3/issue"),
      ];
    },
  },
});
