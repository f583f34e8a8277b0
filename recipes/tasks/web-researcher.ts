/**
 * An agent that looks things up.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, onlyThis, routed } from "../shared.ts";

/** What is read and written. */
export interface WebResearcherParams extends ModelParams {
  /** @default "./notes" */
  readonly notes?: string;
  /** The hosts that are read. */
  readonly sites: readonly string[];
}

/** Searches the web, reads some sites, and writes notes; it holds no secret but the key of the search. */
export const webResearcher: Recipe<WebResearcherParams> = defineRecipe({
  name: "web-researcher",
  version: "1.0.0",
  description: "Searches the web, reads some sites, and writes notes; it holds no secret but the key of the search.",
  params: z.object({
    notes: param.path().default("./notes").describe("what is written"),
    sites: param.list(param.host()).describe("the hosts that are read"),
    ...modelParams("anthropic", ["claude-*"]),
  }),
  build: ({ notes, sites, ...models }) => ({
    policy: {
      version: 1,
      filesystem: { write: [notes] },
      network: {
        allow: [
          {
            ...{ id: "search", host: "api.tavily.com", binaries: ["curl"] },
            http: { rules: [{ methods: ["POST"], paths: ["/search", "/extract"] }] },
          },
          ...sites.map((host, at) => ({
            ...{ id: `site-${at + 1}`, host, binaries: ["curl"] },
            http: { rules: [{ methods: ["GET"] }] },
          })),
        ],
      },
      inference: routed(models),
      credentials: [{ name: "TAVILY_API_KEY", hosts: ["api.tavily.com"], optional: true }],
      // What it reads may tell it to carry something out: it is given nothing to carry.
      locked: ["filesystem", "credentials"],
    },
  }),
  tests: {
    params: { sites: ["docs.example.com"] },
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.write("notes/a.md"),
        denies.read("customers.csv"),
        denies.http("POST https://docs.example.com/comments"),
        denies.http("GET https://paste.example.com/"),
        ...onlyThis(words, "GET https://docs.example.com/guide"),
        ...onlyThis(words, "POST https://api.tavily.com/search", "/crawl"),
        allows.model("claude-sonnet-5"),
      ];
    },
  },
});
