/**
 * An agent that writes texts.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, onlyThis, routed } from "../shared.ts";

/** What is read and written. */
export interface MarketingWriterParams extends ModelParams {
  /** @default "./brand" */
  readonly brand?: string;
  /** @default "./brief" */
  readonly brief?: string;
  /** @default "./drafts" */
  readonly drafts?: string;
  /** The host of one's own site, which may be read. */
  readonly site?: string;
}

/** Reads a brand and a brief, writes drafts, searches the web and reads its own site; nothing is published. */
export const marketingWriter: Recipe<MarketingWriterParams> = defineRecipe({
  name: "marketing-writer",
  version: "1.0.0",
  description:
    "Reads a brand and a brief, writes drafts, searches the web and reads its own site; nothing is published.",
  params: z.object({
    brand: param.path().default("./brand").describe("how the brand speaks"),
    brief: param.path().default("./brief").describe("what is asked for"),
    drafts: param.path().default("./drafts").describe("what is written"),
    site: param.host().optional().describe("one's own site, which may be read"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ brand, brief, drafts, site, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: [brand, brief], write: [drafts] },
      network: {
        allow: [
          {
            ...{ id: "search", host: "api.tavily.com", binaries: ["curl"] },
            http: { rules: [{ methods: ["POST"], paths: ["/search", "/extract"] }] },
          },
          ...(site === undefined
            ? []
            : [{ id: "site", host: site, binaries: ["curl"], http: { access: "read-only" as const } }]),
        ],
      },
      inference: routed(models),
      credentials: [{ name: "TAVILY_API_KEY", hosts: ["api.tavily.com"], optional: true }],
    },
  }),
  tests: {
    params: { site: "www.example.com" },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.read("brand/voice.md"),
        allows.write("drafts/post.md"),
        denies.write("brand/voice.md"),
        denies.read("finance/plan.md"),
        denies.http("POST https://www.example.com/wp-json/wp/v2/posts"),
        denies.http("GET https://other.example.com/"),
        allows.read("brief/launch.md"),
        ...onlyThis(words, "POST https://api.tavily.com/search", "/crawl"),
        ...onlyThis(words, "GET https://www.example.com/about"),
        allows.model("claude-sonnet-5"),
      ];
    },
  },
});
