/**
 * A personal agent with one command.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { type ModelParams, modelParams, routed, searchPath } from "../shared.ts";

/** What it works with. */
export interface PersonalAgentParams extends ModelParams {
  /** The folder it works in. @default "./work" */
  readonly work?: string;
  /** The program that is the agent. @default "openclaw" */
  readonly agent?: string;
  /** The name of the volume that keeps its memory. @default "personal-agent" */
  readonly memory?: string;
  /** Folders of the host that it is installed in, where that is not a system folder: absolute. */
  readonly installed?: readonly string[];
}

/** Keeps its memory, works in a folder, calls a local model by default, and reaches nobody: services are added one by one. */
export const personalAgent: Recipe<PersonalAgentParams> = defineRecipe({
  name: "personal-agent",
  version: "1.0.0",
  description:
    "Keeps its memory, works in a folder, calls a local model by default, and reaches nobody: services are added one by one.",
  params: z.object({
    work: param.path().default("./work").describe("the folder it works in"),
    agent: param.name().default("openclaw").describe("the program that is the agent"),
    memory: param.name().default("personal-agent").describe("the name of the volume that keeps its memory"),
    installed: param.list(param.folder()).optional().describe("folders of the host that it is installed in"),
    ...modelParams("ollama", ["*"]),
  }),
  build: ({ work, agent, memory, installed = [], ...models }) => ({
    policy: {
      version: 1,
      filesystem: { read: installed, write: [work, "~/.memory"] },
      inference: { ...routed(models), localOnly: models.provider === "ollama" },
    },
    command: [agent],
    env: {
      ...searchPath(installed),
      OPENAI_BASE_URL: "https://inference.local/v1",
      OPENAI_API_KEY: "unused",
      AGENT_MEMORY: "/home/agent/.memory",
    },
    volumes: [{ name: memory, path: "~/.memory" }],
    image: {
      name: "node:22-slim",
      packages: { apt: ["git", "ca-certificates"], ...(agent === "openclaw" ? { npm: ["openclaw"] } : {}) },
    },
  }),
  tests: {
    params: {},
    claims: ({ allows, denies }) => [
      allows.write("work/list.md"),
      allows.write("~/.memory/facts.md"),
      denies.read("taxes/2025.pdf"),
      denies.write("notes.md"),
      denies.http("GET https://example.com/", { by: "node" }),
      denies.http("POST https://api.telegram.org/bot1/sendMessage", { by: "node" }),
      allows.model("llama3.2"),
    ],
  },
});
