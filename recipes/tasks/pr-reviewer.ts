/**
 * An agent that reads a change and says what it thinks of it.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, onlyThis, routed, SECRETS, secretsStay } from "../shared.ts";

/** Whose pull requests are read. */
export interface PrReviewerParams extends ModelParams {
  /** `owner/name` at GitHub. */
  readonly repository: string;
  /** The folder of the report. @default "./review" */
  readonly out?: string;
}

/** Reads a repository and its pull requests, writes a report, and changes nothing; whoever runs it posts the comment. */
export const prReviewer: Recipe<PrReviewerParams> = defineRecipe({
  name: "pr-reviewer",
  version: "1.0.0",
  description:
    "Reads a repository and its pull requests, writes a report, and changes nothing; whoever runs it posts the comment.",
  params: z.object({
    repository: param.repository().describe("owner/name at GitHub"),
    out: param.path().default("./review").describe("the folder of the report"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ repository, out, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: ["."], write: [out], deny: SECRETS },
      network: {
        allow: [
          {
            ...{ id: "pull-requests", host: "api.github.com", binaries: ["gh", "curl"] },
            http: { rules: [{ methods: ["GET"], paths: [`/repos/${repository}/**`] }] },
          },
        ],
      },
      inference: routed(models),
      credentials: [{ provider: "github", optional: true }],
      locked: ["filesystem", "network", "credentials"],
    },
  }),
  tests: {
    params: { repository: "acme/site" },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.read("src/main.ts"),
        allows.write("review/report.md"),
        denies.write("src/main.ts"),
        denies.http("POST https://api.github.com/repos/acme/site/pulls/1/reviews"),
        denies.http("GET https://api.github.com/repos/acme/secret/contents/x"),
        ...secretsStay(words),
        ...onlyThis(words, "GET https://api.github.com/repos/acme/site/pulls/1/files"),
        allows.model("claude-sonnet-5"),
      ];
    },
  },
});
