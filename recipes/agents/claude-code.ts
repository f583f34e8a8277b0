/**
 * Claude Code, by Anthropic.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** Claude Code, by Anthropic. */
export const claudeCode: Recipe<AgentParams> = agentRecipe({
  name: "claude-code",
  description: "Claude Code on a project: it calls models by way of the host, and reaches nothing else.",
  command: ["claude"],
  package: "@anthropic-ai/claude-code",
  provider: "anthropic",
  models: ["claude-*"],
  intercept: ["api.anthropic.com"],
  credential: { provider: "claude", variable: "ANTHROPIC_API_KEY" },
  // Updates, telemetry and the like would be denied anyway: this saves it the trying.
  env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
});
