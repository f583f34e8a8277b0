/**
 * Asking for the weather.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type HttpRules, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Whoever asks only reads. */
function reading(paths: readonly string[]): { binaries: readonly string[]; http: HttpRules } {
  return { binaries: ["node", "curl", "python3", "python3.*"], http: { rules: [{ methods: ["GET"], paths }] } };
}

/** Asking for the weather. */
export const weather: Recipe<object> = defineRecipe({
  name: "weather",
  version: "1.0.0",
  kind: "service",
  description: "Asking for the weather.",
  params: z.object({}),
  build: () => ({
    policy: {
      version: 1,
      network: {
        allow: [
          { id: "weather-wttr", host: "wttr.in", ...reading(["/**"]) },
          { id: "weather-forecast", host: "api.open-meteo.com", ...reading(["/v1/forecast"]) },
          { id: "weather-places", host: "geocoding-api.open-meteo.com", ...reading(["/v1/search"]) },
        ],
      },
    },
  }),
  tests: {
    params: {},
    claims: (words) => {
      const { denies } = words;
      return [
        denies.http("POST https://api.open-meteo.com/v1/forecast"),
        ...onlyThis(words, "GET https://api.open-meteo.com/v1/forecast?latitude=52&longitude=13", "/v1/archive"),
        ...onlyThis(words, "GET https://wttr.in/Berlin"),
        ...onlyThis(words, "GET https://geocoding-api.open-meteo.com/v1/search?name=Berlin", "/v1/get"),
      ];
    },
  },
});
