/**
 * Installing packages from an index of Python; nothing is published.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";

/** Which index. */
export interface PypiParams {
  /** Its host. The command line reads it from pip's own configuration where nobody gives it. */
  readonly index: string;
  /** The host that has the files, where that is another one. */
  readonly files?: string;
}

/** Installing packages from an index of Python; nothing is published. */
export const pypi: Recipe<PypiParams> = defineRecipe({
  name: "pypi",
  version: "1.0.0",
  kind: "service",
  description: "Installing packages from an index of Python; nothing is published.",
  params: z.object({
    index: param.registry("pip").describe("the host of the index"),
    files: param.host().optional().describe("the host of the files, where that is another one"),
  }),
  build: ({ index, files }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          ...[index, ...(files === undefined ? [] : [files])].map((host, at) => ({
            ...{ id: `pypi-${at + 1}`, host, binaries: ["uv", "pip", "python3", "python3.*"] },
            http: { access: "pypi-install" as const },
          })),
        ],
      },
      credentials: [{ provider: "pypi", hosts: [index], optional: true }],
    },
  }),
  tests: {
    params: { index: "pypi.example.com", files: "files.example.com" },
    claims: ({ allows, denies }) => [
      allows.http("GET https://pypi.example.com/simple/requests/"),
      allows.http("GET https://files.example.com/packages/ab/requests-2.0-py3-none-any.whl"),
      denies.http("POST https://pypi.example.com/legacy/"),
      denies.http("GET https://pypi.example.com/simple/requests/", { by: "curl" }),
    ],
  },
});
