/**
 * The plugins of a sandbox, set up.
 *
 * @module
 */
import { PluginRegistry } from "../hooks/mod.ts";
import { openPatch } from "./approvals.ts";
import { milliseconds } from "./arguments.ts";
import type { SandboxOptions } from "./options.ts";
import type { SandboxRecords } from "./records.ts";

/**
 * Opens the registry. What fails leaves no plugin set up, and no record open.
 *
 * @throws {SandboxError} PLUGIN_INVALID If a plugin is malformed, or fails to set up.
 * @throws {SandboxError} ARGUMENT_INVALID If the approver or the file of approved rules cannot be used.
 */
export async function openPlugins(
  id: string,
  records: SandboxRecords,
  { plugins = [], approve, approveTimeoutMs, approvals = {}, workspace }: SandboxOptions,
): Promise<PluginRegistry> {
  try {
    const approvalMs = milliseconds("approveTimeoutMs", approveTimeoutMs);
    const registry = await PluginRegistry.open(plugins, {
      sandbox: id,
      approve,
      patch: await openPatch(approvals, workspace),
      onRefused: (answer) => records.approvalRefused(answer),
      ...(approvalMs === undefined ? {} : { approveTimeoutMs: approvalMs }),
      onProblem: (error: Error) => records.problem(error),
    });
    records.observer = (record) => {
      if (record.kind === "decision") registry.observeDecision(record);
      else registry.observeLifecycle(record);
    };
    return registry;
  } catch (error) {
    await records.startFailed(error);
    throw error;
  }
}
