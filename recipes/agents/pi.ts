/**
 * pi, a small coding agent.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** pi, a small coding agent. */
export const pi: Recipe<AgentParams> = agentRecipe({
  name: "pi",
  description: "pi on a project: it calls models by way of the host, and reaches nothing else.",
  command: ["pi"],
  package: "@mariozechner/pi-coding-agent",
  provider: "anthropic",
  models: ["claude-*"],
  intercept: ["api.anthropic.com", "api.openai.com"],
  credential: { provider: "anthropic", variable: "ANTHROPIC_API_KEY" },
});
