/**
 * An analyst of data that stays where it is.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, routed } from "../shared.ts";

/** What is read and written. */
export interface DataAnalystParams extends ModelParams {
  /** @default "./data" */
  readonly data?: string;
  /** @default "./out" */
  readonly out?: string;
}

/** Reads data, writes results, reaches nothing, and calls a local model unless another one is named. */
export const dataAnalyst: Recipe<DataAnalystParams> = defineRecipe({
  name: "data-analyst",
  version: "1.0.0",
  description: "Reads data, writes results, reaches nothing, and calls a local model unless another one is named.",
  params: z.object({
    data: param.path().default("./data").describe("what is read"),
    out: param.path().default("./out").describe("what is written"),
    ...modelParams("ollama", ["*"]),
  }),
  build: ({ data, out, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: [data], write: [out] },
      inference: { ...routed(models), localOnly: models.provider === "ollama" },
      locked: ["filesystem", "network", "credentials"],
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.read("data/sales.csv"),
      allows.write("out/chart.svg"),
      denies.write("data/sales.csv"),
      denies.read("src/main.ts"),
      denies.http("PUT https://upload.example.com/x"),
      allows.model("llama3.2"),
    ],
  },
});
