/**
 * Gemini CLI, by Google. It speaks an API of its own, which is reached rather than routed.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** Gemini CLI, by Google. It speaks an API of its own, which is reached rather than routed. */
export const gemini: Recipe<AgentParams> = agentRecipe({
  name: "gemini",
  description: "Gemini CLI on a project: it reaches the API of its models, and nothing else.",
  command: ["gemini"],
  package: "@google/gemini-cli",
  provider: "gemini",
  models: [],
  credential: { provider: "gemini", variable: "GEMINI_API_KEY" },
  network: [
    {
      id: "gemini-api",
      host: "generativelanguage.googleapis.com",
      binaries: ["node"],
      http: { rules: [{ methods: ["POST"], paths: ["/v1beta/models/*", "/v1/models/*"] }] },
    },
  ],
  tests: (words) =>
    onlyThis(
      words,
      "POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:generateContent",
      "/upload/v1beta/files",
    ),
});
