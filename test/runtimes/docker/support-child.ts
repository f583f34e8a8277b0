/**
 * For tests that kill the process which runs a sandbox: `support.ts` without the test runner.
 */
import { createHash } from "node:crypto";
import { dockerRuntime } from "../../../src/runtimes/docker/mod.ts";
import type { Runtime, StartRequest } from "../../../src/runtimes/runtime.ts";

/** A runtime whose warden waits. */
export function shellRuntime(warden: Uint8Array, image: string): Runtime {
  const sha256 = createHash("sha256").update(warden).digest("hex");
  return dockerRuntime({
    docker: { image },
    locateWarden: async () => ({ path: "", sha256, bytes: async () => warden }),
  });
}

export function requestOf(id: string): StartRequest {
  return {
    id,
    filesystem: { grants: [], denials: [], rules: [], unmatched: "deny", finer: false },
    process: { kind: "readable", rules: [], allowList: false, unmatched: "deny", limits: { mode: "enforce" } },
    workspace: undefined,
    image: undefined,
    signal: undefined,
  };
}
