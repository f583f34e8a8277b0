/**
 * Installing packages from a registry of npm; nothing is published.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type NetworkRule, param, type Recipe } from "../../src/mod.ts";
import { addressesParam, onlyThis, type RegistryParams, registryPlace } from "../shared.ts";

/** Which registry. */
export interface NpmParams extends RegistryParams {
  /** The hosts of the registries of scopes, where these have others. */
  readonly scopes?: readonly string[];
}

/** Installing packages from a registry of npm; nothing is published. */
export const npm: Recipe<NpmParams> = defineRecipe({
  name: "npm",
  version: "1.0.0",
  kind: "service",
  description: "Installing packages from a registry of npm; nothing is published.",
  params: z.object({
    registry: param.registry("npm").describe("the host of the registry"),
    scopes: param.list(param.host()).optional().describe("the hosts of the registries of scopes"),
    addresses: addressesParam(),
  }),
  build: ({ registry, scopes = [], addresses }) => {
    const places = [registry, ...scopes].map((each) => registryPlace(each, addresses));
    return {
      policy: {
        version: 1,
        network: {
          allow: places.map(
            (place, at): NetworkRule => ({
              ...{ id: at === 0 ? "npm-install" : `npm-install-${at + 1}`, ...place },
              ...{ binaries: ["node", "bun"], http: { access: "npm-install" } },
            }),
          ),
        },
        credentials: [{ provider: "npm", hosts: places.map(({ host }) => host), optional: true }],
      },
    };
  },
  tests: [
    {
      params: { registry: "npm.example.com" },
      claims: ({ allows, denies }) => [
        allows.http("GET https://npm.example.com/left-pad"),
        allows.http("GET https://npm.example.com/@acme/tool/-/tool-1.0.0.tgz"),
        denies.http("PUT https://npm.example.com/left-pad"),
        denies.http("GET https://npm.example.com/left-pad", { by: "curl" }),
        denies.http("GET https://elsewhere.example.com/left-pad"),
      ],
    },
    {
      params: { registry: "npm.corp.example:4873", scopes: ["acme.example.com"], addresses: ["10.0.5.0/24"] },
      claims: (words) => [
        ...onlyThis(words, "GET https://npm.corp.example:4873/left-pad"),
        words.denies.http("GET https://npm.corp.example/left-pad"),
        ...onlyThis(words, "GET https://acme.example.com/@acme/tool"),
      ],
    },
  ],
});
