/**
 * Installing packages from an index of Python; nothing is published.
 *
 * @module
 */
import { z } from "zod";
import { defineRecipe, param, type Recipe } from "../../src/mod.ts";
import { addressesParam, onlyThis, registryPlace } from "../shared.ts";

/** Which index. */
export interface PypiParams {
  /** Its host. The command line reads it from pip's own configuration where nobody gives it. */
  readonly index: string;
  /** The host that has the files, where that is another one. */
  readonly files?: string;
  /** Private addresses that these may have: `10.0.5.0/24`. Public ones need none. */
  readonly addresses?: readonly string[];
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
    addresses: addressesParam(),
  }),
  build: ({ index, files, addresses }) => ({
    policy: {
      version: 1,
      network: {
        allow: [
          ...[index, ...(files === undefined ? [] : [files])].map((each, at) => ({
            ...{ id: `pypi-${at + 1}`, ...registryPlace(each, addresses) },
            ...{ binaries: ["uv", "pip", "python3", "python3.*"], http: { access: "pypi-install" as const } },
          })),
        ],
      },
      credentials: [{ provider: "pypi", hosts: [registryPlace(index).host], optional: true }],
    },
  }),
  tests: {
    params: { index: "pypi.example.com", files: "files.example.com" },
    claims: (words) => {
      const { denies } = words;
      return [
        denies.http("POST https://pypi.example.com/legacy/"),
        ...onlyThis(words, "GET https://pypi.example.com/simple/requests/"),
        ...onlyThis(words, "GET https://files.example.com/packages/ab/requests-2.0-py3-none-any.whl"),
      ];
    },
  },
});
