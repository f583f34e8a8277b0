/**
 * OpenClaw, a personal agent.
 *
 * @module
 */
import type { Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";
import { type AgentParams, agentRecipe } from "./agent.ts";

/** OpenClaw, a personal agent. */
export const openclaw: Recipe<AgentParams> = agentRecipe({
  name: "openclaw",
  description: "OpenClaw on a project: a local model by default, its own sites to read, and nothing else.",
  command: ["openclaw"],
  package: "openclaw",
  provider: "ollama",
  models: ["*"],
  network: ["openclaw.ai", "docs.openclaw.ai", "clawhub.com"].map((host, at) => ({
    ...{ id: `openclaw-${at + 1}`, host, binaries: ["node", "openclaw"] },
    http: { rules: [{ methods: ["GET"] }] },
  })),
  tests: (words) =>
    ["openclaw.ai", "docs.openclaw.ai", "clawhub.com"].flatMap((host) => onlyThis(words, `GET https://${host}/start`)),
});
