/**
 * Installing formulae of Homebrew.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type HttpRules, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Whoever asks only reads. */
function reading(paths: readonly string[]): { binaries: readonly string[]; http: HttpRules } {
  return { binaries: ["curl"], http: { rules: [{ methods: ["GET"], paths }] } };
}

/** Installing formulae of Homebrew. */
export const brew: Recipe<object> = defineRecipe({
  name: "brew",
  version: "1.0.0",
  kind: "service",
  description: "Installing formulae of Homebrew.",
  params: z.object({}),
  build: () => ({
    policy: {
      version: 1,
      network: {
        allow: [
          { id: "brew-api", host: "formulae.brew.sh", ...reading(["/api/**"]) },
          { id: "brew-bottles", host: "ghcr.io", ...reading(["/v2/homebrew/**", "/token"]) },
          { id: "brew-files", host: "pkg-containers.githubusercontent.com", ...reading(["/**"]) },
        ],
      },
    },
  }),
  tests: {
    params: {},
    claims: (words) => {
      const { denies } = words;
      return [
        denies.http("POST https://ghcr.io/v2/homebrew/core/jq/blobs/uploads/"),
        ...onlyThis(words, "GET https://formulae.brew.sh/api/formula/jq.json", "/analytics"),
        ...onlyThis(words, "GET https://ghcr.io/v2/homebrew/core/jq/manifests/1.8", "/v2/other/image/manifests/1"),
        ...onlyThis(words, "GET https://pkg-containers.githubusercontent.com/ghcr1/blobs/x"),
      ];
    },
  },
});
