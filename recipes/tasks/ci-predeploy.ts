/**
 * A stage of a pipeline that judges a plan before it is carried out.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, routed } from "../shared.ts";

/** What is judged, and by whom. */
export interface CiPredeployParams extends ModelParams {
  /** The plan. @default "./plan.json" */
  readonly plan?: string;
}

/** Reads one plan and nothing else, writes nothing, and says what it finds on its output. */
export const ciPredeploy: Recipe<CiPredeployParams> = defineRecipe({
  name: "ci-predeploy",
  version: "1.0.0",
  description: "Reads one plan and nothing else, writes nothing, and says what it finds on its output.",
  params: z.object({
    plan: param.path().default("./plan.json").describe("the one file that is read"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ plan, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: [plan] },
      inference: routed(models),
      locked: ["filesystem", "network", "credentials"],
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.read("plan.json"),
      denies.read("main.tf"),
      denies.write("plan.json"),
      denies.write("verdict.json"),
      denies.http("POST https://ec2.amazonaws.com/", { by: "curl" }),
      allows.model("claude-sonnet-5"),
    ],
  },
});
