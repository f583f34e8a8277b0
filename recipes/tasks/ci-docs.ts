/**
 * A stage of a pipeline that writes documentation.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, routed, SECRETS, secretsStay } from "../shared.ts";

/** Where the documentation is, and who writes it. */
export interface CiDocsParams extends ModelParams {
  /** The folder that is written. @default "./docs" */
  readonly docs?: string;
}

/** Reads a project, writes its docs folder only, and reaches nothing but a model. */
export const ciDocs: Recipe<CiDocsParams> = defineRecipe({
  name: "ci-docs",
  version: "1.0.0",
  description: "Reads a project, writes its docs folder only, and reaches nothing but a model.",
  params: z.object({
    docs: param.path().default("./docs").describe("the folder that is written"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ docs, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: ["."], write: [docs], deny: SECRETS },
      inference: routed(models),
      locked: ["filesystem", "network"],
    },
  }),
  tests: {
    params: {},
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.read("src/main.ts"),
        allows.write("docs/guide.md"),
        denies.write("src/main.ts"),
        denies.http("GET https://example.com/"),
        allows.model("claude-sonnet-5"),
        denies.model("gpt-6"),
        ...secretsStay(words),
      ];
    },
  },
});
