/**
 * Pulling some images from a registry; nothing is pushed.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, type HttpRules, param, type Recipe } from "../../src/mod.ts";
import { onlyThis } from "../shared.ts";

/** Which registry, and what of it. */
export interface DockerRegistryParams {
  /** Its host. */
  readonly registry: string;
  /** The host that gives tokens, where that is another one. */
  readonly auth?: string;
  /** Which images, as `owner/name`. */
  readonly images: readonly string[];
}

/** Whoever asks only reads. */
function reading(paths: readonly string[]): { binaries: readonly string[]; http: HttpRules } {
  return { binaries: ["skopeo", "crane", "curl"], http: { rules: [{ methods: ["GET"], paths }] } };
}

function pathsOf(image: string): string[] {
  return [`/v2/${image}/manifests/*`, `/v2/${image}/blobs/*`];
}

/** Pulling some images from a registry; nothing is pushed. */
export const dockerRegistry: Recipe<DockerRegistryParams> = defineRecipe({
  name: "docker-registry",
  version: "1.0.0",
  kind: "service",
  description: "Pulling some images from a registry; nothing is pushed.",
  params: z.object({
    registry: param.host().describe("the host of the registry"),
    auth: param.host().optional().describe("the host that gives tokens"),
    images: param.list(param.repository()).describe("owner/name"),
  }),
  build: ({ registry, auth, images }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          { id: "registry", host: registry, ...reading(["/v2/", ...images.flatMap((image) => pathsOf(image))]) },
          ...(auth === undefined ? [] : [{ id: "registry-auth", host: auth, ...reading(["/token"]) }]),
        ],
      },
    },
  }),
  tests: {
    params: { registry: "images.example.com", auth: "auth.example.com", images: ["acme/web"] },
    claims: (words) => {
      const { denies } = words;
      return [
        denies.http("PUT https://images.example.com/v2/acme/web/manifests/latest"),
        denies.http("GET https://images.example.com/v2/acme/other/manifests/latest"),
        ...onlyThis(words, "GET https://images.example.com/v2/acme/web/manifests/latest"),
        ...onlyThis(words, "GET https://auth.example.com/token?scope=repository:acme/web:pull", "/users"),
      ];
    },
  },
});
