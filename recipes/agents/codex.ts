/**
 * Codex, by OpenAI.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** Codex, by OpenAI. */
export const codex: Recipe<AgentParams> = agentRecipe({
  name: "codex",
  description: "Codex on a project: it calls models by way of the host, and reaches nothing else.",
  command: ["codex"],
  package: "@openai/codex",
  provider: "openai",
  models: ["gpt-*", "codex-*"],
  intercept: ["api.openai.com"],
  credential: { provider: "codex", variable: "OPENAI_API_KEY" },
});
