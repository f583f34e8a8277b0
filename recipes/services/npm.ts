/**
 * Installing packages from a registry of npm; nothing is published.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";

/** Which registry. */
export interface NpmParams {
  /** Its host. The command line reads it from npm's own configuration where nobody gives it. */
  readonly registry: string;
}

/** Installing packages from a registry of npm; nothing is published. */
export const npm: Recipe<NpmParams> = defineRecipe({
  name: "npm",
  version: "1.0.0",
  kind: "service",
  description: "Installing packages from a registry of npm; nothing is published.",
  params: z.object({ registry: param.registry("npm").describe("the host of the registry") }),
  build: ({ registry }) => ({
    policy: {
      version: 1,
      network: { allow: [{ id: "npm", host: registry, binaries: ["node", "bun"], http: { access: "npm-install" } }] },
      credentials: [{ provider: "npm", hosts: [registry], optional: true }],
    },
  }),
  tests: {
    params: { registry: "npm.example.com" },
    claims: ({ allows, denies }) => [
      allows.http("GET https://npm.example.com/left-pad"),
      allows.http("GET https://npm.example.com/@acme/tool/-/tool-1.0.0.tgz"),
      denies.http("PUT https://npm.example.com/left-pad"),
      denies.http("GET https://npm.example.com/left-pad", { by: "curl" }),
      denies.http("GET https://elsewhere.example.com/left-pad"),
    ],
  },
});
