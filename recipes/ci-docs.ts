/**
 * A stage of a pipeline that writes documentation.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../src/mod.ts";

/** Where the documentation is, and who writes it. */
export interface CiDocsParams {
  /** The folder that is written. @default "./docs" */
  readonly docs?: string;
  /** A provider of models. @default "anthropic" */
  readonly provider?: string;
  /** Which of its models may be called. @default "claude-*" */
  readonly models?: readonly string[];
}

/** Reads a project, writes its documentation and nothing else, and reaches a model and nothing else. */
export const ciDocs: Recipe<CiDocsParams> = defineRecipe({
  name: "ci-docs",
  version: "1.0.0",
  description: "Reads a project, writes its docs folder only, and reaches nothing but a model.",
  params: z.object({
    docs: param.path().default("./docs").describe("the folder that is written"),
    provider: param.name().default("anthropic").describe("who serves the model"),
    models: param.list(param.model()).default(["claude-*"]).describe("the models that may be called"),
  }),
  build: ({ docs, provider, models }) => ({
    policy: {
      version: 1,
      filesystem: { read: ["."], write: [docs], deny: ["**/.env", "**/.env.*"] },
      inference: { routes: [{ models, provider }] },
      locked: ["filesystem", "network"],
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.read("src/main.ts"),
      allows.write("docs/guide.md"),
      denies.write("src/main.ts"),
      denies.read(".env"),
      denies.http("GET https://example.com/"),
      allows.model("claude-sonnet-5"),
      denies.model("gpt-6"),
    ],
  },
});
