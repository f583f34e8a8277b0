/**
 * What presets of agents have in common: they work on a project, whose secrets they do not read, and call models by way of the host.
 *
 * @module
 */
import { z } from "zod";
import {
  type CredentialRule,
  defineRecipe,
  type NetworkRule,
  param,
  type Recipe,
  type RecipeTests,
} from "../../src/mod.ts";
import { type ModelParams, modelParams, routed, SECRETS, searchPath, secretsStay } from "../shared.ts";

/** What somebody may say of an agent. */
export interface AgentParams extends ModelParams {
  /** Folders of the host that it is installed in, where that is not a system folder: absolute. */
  readonly installed?: readonly string[];
}

/** An agent. */
export interface AgentFacts {
  readonly name: string;
  readonly description: string;
  readonly command: readonly string[];
  /** The package of npm that it comes in. */
  readonly package: string;
  /** Who serves its models unless somebody says otherwise, and which. */
  readonly provider: string;
  readonly models: readonly string[];
  /** The hosts of APIs that it calls by itself: those calls are routed. */
  readonly intercept?: readonly string[];
  /** What it authenticates with: a placeholder, where its own provider serves the models. */
  readonly credential?: CredentialRule & { readonly variable: string };
  readonly env?: Readonly<Record<string, string>>;
  readonly network?: readonly NetworkRule[];
  readonly tests?: RecipeTests["claims"];
}

/** Makes the preset of an agent. */
export function agentRecipe(agent: AgentFacts): Recipe<AgentParams> {
  const {
    name,
    description,
    command,
    provider: usual,
    models: known,
    intercept = [],
    credential,
    network = [],
  } = agent;
  return defineRecipe({
    name,
    version: "1.0.0",
    kind: "agent",
    description,
    params: z.object({
      ...modelParams(usual, known),
      installed: param.list(param.folder()).optional().describe("folders of the host that it is installed in"),
    }),
    build: ({ provider, models, installed = [] }) => {
      const isUsual = provider === usual && credential !== undefined;
      // It wants some key before it starts, whoever serves the models.
      const unused = credential === undefined || isUsual ? {} : { [credential.variable]: "unused" };
      return {
        policy: {
          version: 1,
          filesystem: { read: installed, write: ["."], deny: SECRETS },
          ...(network.length === 0 ? {} : { network: { allow: network } }),
          ...(known.length === 0 ? {} : { inference: routed({ provider, models }, intercept) }),
          ...(isUsual ? { credentials: [{ ...credential, optional: true }] } : {}),
        },
        command,
        env: { ...searchPath(installed), ...agent.env, ...unused },
        image: { name: "node:22-slim", packages: { apt: ["git", "ca-certificates"], npm: [agent.package] } },
      };
    },
    tests: {
      params: {},
      claims: (words) => {
        const { allows, denies } = words;
        const [model = "m"] = known;
        return [
          allows.write("src/main.ts"),
          allows.read("README.md"),
          ...secretsStay(words),
          denies.write("keys/server.pem"),
          denies.http("GET https://example.com/", { by: "node" }),
          ...(known.length === 0 ? [] : [allows.model(model.replace("*", "x"))]),
          ...(known.length === 0 || model === "*" ? [] : [denies.model("nobodys-model")]),
          ...(agent.tests?.(words) ?? []),
        ];
      },
    },
  });
}
