/**
 * What the names of HTTP access stand for.
 *
 * @module
 */
import type { HttpAccess, HttpRule } from "../types.ts";

const READ = ["GET", "HEAD", "OPTIONS"] as const;

/**
 * The rules behind each name.
 *
 * Git speaks its smart protocol over two requests, and asks for the service in the query of the first (gitprotocol-http).
 * Installing from npm includes its audit, which posts names and versions of packages.
 */
export const ACCESS_RULES: Readonly<Record<HttpAccess["access"], readonly HttpRule[]>> = {
  "read-only": [{ methods: READ }],
  "read-write": [{ methods: [...READ, "POST", "PUT", "PATCH"] }],
  full: [{}],
  "git-read-only": gitRules(["git-upload-pack"]),
  "git-read-write": gitRules(["git-upload-pack", "git-receive-pack"]),
  "npm-install": [{ methods: ["GET"] }, { methods: ["POST"], paths: ["/**/-/npm/v1/security/**"] }],
  "pypi-install": [{ methods: ["GET"] }],
};

function gitRules(services: readonly string[]): HttpRule[] {
  return services.flatMap((service) => [
    { methods: ["GET"], paths: ["/**/info/refs"], query: { service } },
    { methods: ["POST"], paths: [`/**/${service}`] },
  ]);
}
