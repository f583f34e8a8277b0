/**
 * opencode, which speaks to many providers.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** opencode, which speaks to many providers. */
export const opencode: Recipe<AgentParams> = agentRecipe({
  name: "opencode",
  description: "opencode on a project: it calls models by way of the host, and reaches nothing else.",
  command: ["opencode"],
  package: "opencode-ai",
  provider: "anthropic",
  models: ["claude-*"],
  intercept: ["api.anthropic.com", "api.openai.com"],
  credential: { provider: "anthropic", variable: "ANTHROPIC_API_KEY" },
});
