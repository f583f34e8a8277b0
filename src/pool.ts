/**
 * `createPool`: sandboxes that are ready before they are needed.
 *
 * @module
 */
import { emitWarning } from "node:process";
import type { Policy } from "./policy/core.ts";
import { POOL_OPTIONS, type PoolOptions, poolBounds, refuseOthers } from "./pool/options.ts";
import { type Pool, WarmedPool } from "./pool/warmed-pool.ts";
import { chooseRuntime } from "./sandbox/choose-runtime.ts";
import { readProviders } from "./sandbox/inference/options.ts";
import { resolveWorkspace } from "./sandbox/options.ts";
import { planDomains } from "./sandbox/plan-domains.ts";
import { readPolicy } from "./sandbox/read-policy.ts";
import { resolveRoot } from "./sandbox/root.ts";

/**
 * Creates a pool: sandboxes are started in the background, and acquiring one takes milliseconds.
 *
 * Shape: what cannot change once a sandbox has started is the pool's: image or root, mounts, limits, the user, and the policy as
 * the most that any of its sandboxes may do. A sandbox is used once; what was acquired never returns. Paths of the
 * host that the policy grants, and a mounted workspace, are looked up when a sandbox is made ready, and a copy of a
 * workspace, or an overlay over it, is made when one is acquired, so it is never older than that. Units: bytes. Defaults: as `createSandbox`.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If an option is malformed.
 * @throws {SandboxError} POLICY_INVALID If the policy is malformed. Other codes for policies and workspaces are those of
 * `createSandbox`; what fails later, in the background, is told to `acquire`, `ready` or `onProblem`.
 *
 * @example
 * ```ts
 * import { createPool } from "cofferdam";
 *
 * await using pool = await createPool({ version: 1, filesystem: { write: ["."] } }, { size: 4 });
 * await using sandbox = await pool.acquire();
 * console.log((await sandbox.exec(["id", "-un"])).stdout);
 * ```
 */
export async function createPool(policy: Policy | string, options: PoolOptions): Promise<Pool> {
  refuseOthers("createPool", options, POOL_OPTIONS);
  const read = await readPolicy(policy);
  const plans = planDomains(read.normalized, readProviders(options.inference));
  const bounds = poolBounds(options, read.normalized);
  await resolveWorkspace(options.workspace);
  const runtime = await chooseRuntime(options);
  await resolveRoot(options, runtime.name);
  // What its owner does with the object afterwards is not the pool's business.
  return new WarmedPool({ read, plans, runtime, options: { ...options }, bounds, onProblem: listener(options) });
}

/** A listener that throws is its owner's problem, not the pool's. */
function listener({ onProblem = emitWarning }: PoolOptions): (error: Error) => void {
  return (error) => {
    try {
      onProblem(error);
    } catch (second) {
      emitWarning(second instanceof Error ? second : String(second));
    }
  };
}
