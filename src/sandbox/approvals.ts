/**
 * What becomes of answers of approvers.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { PolicyPatch } from "../approvals/policy-patch.ts";
import { SandboxError } from "../errors.ts";
import { isWithin } from "../policy/core.ts";
import type { WorkspaceMode } from "../runtimes/runtime.ts";

/** What becomes of answers of approvers. */
export interface ApprovalOptions {
  /**
   * A YAML file that gets a rule for each answer for `always`: a part for `compose`, which is in force nowhere until somebody puts
   * it there. It is made with mode 0600, and not followed where it is a symlink. Keep it where no sandbox writes.
   *
   * @default none: such an answer holds as long as the sandbox does
   */
  readonly patch?: string;
}

/**
 * Opens the file of approved rules.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it cannot be used, or lies in a live workspace.
 */
export async function openPatch(
  { patch }: ApprovalOptions,
  workspace: string | { readonly path: string; readonly mode?: WorkspaceMode } | undefined,
): Promise<PolicyPatch | undefined> {
  if (patch === undefined) return undefined;
  const isLive = typeof workspace === "object" && workspace.mode === "mount";
  if (isLive && isWithin(await real(dirname(resolve(patch))), await real(workspace.path))) {
    throw new SandboxError(
      "ARGUMENT_INVALID",
      `Cannot keep approved rules in "${patch}": the sandbox can write there`,
      {
        details: { argument: "approvals.patch", value: patch },
        hint: "Name a file outside of the mounted workspace",
      },
    );
  }
  // With a reader of YAML, which most sandboxes need not wait for.
  const { PolicyPatch } = await import("../approvals/policy-patch.ts");
  return PolicyPatch.open(patch);
}

/** By its real name, whatever links lead there. */
function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
