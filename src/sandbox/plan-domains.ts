/**
 * The plans of the four domains.
 *
 * @module
 */
import { type FilesystemPlan, planFilesystem } from "../domains/filesystem/mod.ts";
import { planInference } from "../domains/inference/mod.ts";
import { type NetworkPlan, planNetwork } from "../domains/network/mod.ts";
import { type ProcessPlan, planProcess } from "../domains/process/mod.ts";
import { assertEnforceable, HOME_PATH, type NormalizedPolicy, WORKSPACE_PATH } from "../policy/mod.ts";

/** What a policy becomes, by domain. */
export interface Plans {
  readonly filesystem: FilesystemPlan;
  readonly process: ProcessPlan;
  readonly network: NetworkPlan;
  readonly inference: ReturnType<typeof planInference>;
}

/**
 * Plans a policy.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If this version cannot enforce what it asks for.
 */
export function planDomains(policy: NormalizedPolicy): Plans {
  assertEnforceable(policy);
  const places = { workspace: WORKSPACE_PATH, home: HOME_PATH };
  return {
    filesystem: planFilesystem(policy, places),
    process: planProcess(policy, places),
    network: planNetwork(policy, places),
    inference: planInference(policy),
  };
}
