/**
 * Reading some models at Hugging Face.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** What is read. */
export interface HuggingfaceParams {
  /** `owner/name` of models. */
  readonly models: readonly string[];
}

const READERS = ["hf", "curl", "python3", "python3.*"];
/** Where downloads are redirected to, with links that are signed. */
const FILES = ["cdn-lfs.huggingface.co", "cas-bridge.xethub.hf.co"];

function pathsOf(model: string): string[] {
  return [`/${model}/**`, `/api/models/${model}`, `/api/models/${model}/**`];
}

/** Reading some models at Hugging Face. */
export const huggingface: Recipe<HuggingfaceParams> = defineRecipe({
  name: "huggingface",
  version: "1.0.0",
  kind: "service",
  description: "Reading some models at Hugging Face.",
  params: z.object({ models: param.list(param.repository()).describe("owner/name") }),
  build: ({ models }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "huggingface", host: "huggingface.co", binaries: READERS },
            http: { rules: [{ methods: ["GET"], paths: models.flatMap((model) => pathsOf(model)) }] },
          },
          ...FILES.map((host, at) => ({
            ...{ id: `huggingface-files-${at + 1}`, host, binaries: READERS },
            http: { rules: [{ methods: ["GET"] }] },
          })),
        ],
      },
      credentials: [{ provider: "huggingface", optional: true }],
    },
  }),
  tests: {
    params: { models: ["acme/tiny"] },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.http("GET https://huggingface.co/api/models/acme/tiny"),
        denies.http("POST https://huggingface.co/api/models/acme/tiny/commit/main"),
        ...onlyThis(
          words,
          "GET https://huggingface.co/acme/tiny/resolve/main/config.json",
          "/other/model/resolve/main/x",
        ),
        ...onlyThis(words, "GET https://cdn-lfs.huggingface.co/repos/x"),
        ...onlyThis(words, "GET https://cas-bridge.xethub.hf.co/x"),
      ];
    },
  },
});
