/**
 * GitHub Copilot CLI. Its token is exchanged for a session, which only its own hosts know.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** GitHub Copilot CLI. Its token is exchanged for a session, which only its own hosts know. */
export const copilot: Recipe<AgentParams> = agentRecipe({
  name: "copilot",
  description: "GitHub Copilot CLI on a project: it reaches its own hosts, and nothing else.",
  command: ["copilot"],
  package: "@github/copilot",
  provider: "copilot",
  models: [],
  credential: { provider: "copilot", variable: "COPILOT_GITHUB_TOKEN" },
  network: [
    {
      id: "copilot-session",
      host: "api.github.com",
      binaries: ["node", "copilot"],
      http: { rules: [{ methods: ["GET"], paths: ["/copilot_internal/**", "/user"] }] },
    },
    {
      id: "copilot-api",
      host: "*.githubcopilot.com",
      binaries: ["node", "copilot"],
      http: { rules: [{ methods: ["GET", "POST"] }] },
    },
  ],
  tests: (words) => [
    ...onlyThis(words, "GET https://api.github.com/copilot_internal/v2/token", "/user/repos"),
    ...onlyThis(words, "POST https://api.githubcopilot.com/chat/completions"),
  ],
});
