/**
 * The plans of the four domains.
 *
 * @module
 */
import { type FilesystemPlan, planFilesystem } from "../domains/filesystem/mod.ts";
import { type InferencePlan, type ProviderTable, planInference } from "../domains/inference/mod.ts";
import { type NetworkPlan, planNetwork } from "../domains/network/mod.ts";
import { type ProcessPlan, planProcess } from "../domains/process/mod.ts";
import { assertEnforceable, HOME_PATH, type NormalizedPolicy, WORKSPACE_PATH } from "../policy/core.ts";

/** What a policy becomes, by domain. */
export interface Plans {
  readonly filesystem: FilesystemPlan;
  readonly process: ProcessPlan;
  readonly network: NetworkPlan;
  readonly inference: InferencePlan;
}

/**
 * Plans a policy. `providers`: those that the host knows by name.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If this version cannot enforce what it asks for.
 * @throws {SandboxError} POLICY_INVALID If a route leads nowhere, or where the policy says that none may.
 */
export function planDomains(policy: NormalizedPolicy, providers?: ProviderTable): Plans {
  assertEnforceable(policy);
  const places = { workspace: WORKSPACE_PATH, home: HOME_PATH };
  const network = planNetwork(policy, places);
  const inference = planInference(policy, providers);
  return {
    filesystem: planFilesystem(policy, places),
    process: planProcess(policy, places),
    // Programs reach models over connections, as they reach anything.
    network: inference.kind === "none" ? network : { ...network, kind: "rules" },
    inference,
  };
}
