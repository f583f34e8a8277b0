/**
 * Searching the web by way of Tavily.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Searching the web by way of Tavily. */
export const search: Recipe<object> = defineRecipe({
  name: "search",
  version: "1.0.0",
  kind: "service",
  description: "Searching the web by way of Tavily.",
  params: z.object({}),
  build: () => ({
    policy: {
      version: 1,
      network: {
        allow: [
          {
            ...{ id: "tavily", host: "api.tavily.com", binaries: ["node", "curl", "python3", "python3.*"] },
            http: { rules: [{ methods: ["POST"], paths: ["/search", "/extract"] }] },
          },
        ],
      },
      credentials: [{ name: "TAVILY_API_KEY", hosts: ["api.tavily.com"], optional: true }],
    },
  }),
  tests: {
    params: {},
    claims: (words) => {
      const { allows, denies } = words;
      return [
        allows.http("POST https://api.tavily.com/search", { body: '{"query":"x"}' }),
        denies.http("GET https://api.tavily.com/usage"),
        denies.http("POST https://example.com/search"),
        ...onlyThis(words, "POST https://api.tavily.com/search", "/crawl"),
      ];
    },
  },
});
