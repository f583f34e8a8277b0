/**
 * The policy that a sandbox begins with.
 *
 * @module
 */
import { PluginRegistry } from "../hooks/mod.ts";
import type { PolicyFrames } from "../link/link.ts";
import type { StartedWarden } from "../runtimes/runtime.ts";
import { type LinkAhead, openLinkAhead } from "./open-link.ts";
import type { SandboxOptions } from "./options.ts";
import type { Plans } from "./plan-domains.ts";
import { encodePolicy, type NamedRule, type PolicyParts } from "./policy-frames.ts";
import { type PolicySetting, policyParts } from "./policy-parts.ts";
import type { ReadPolicy } from "./read-policy.ts";

/** A policy, and whose it is. */
export interface FirstPolicyInput {
  readonly read: ReadPolicy;
  readonly plans: Plans;
  readonly setting: Omit<PolicySetting, "credentials" | "sensitive">;
  /** Whether the warden was started for a wider policy: then what this one grants need not be there. */
  readonly narrowed: boolean;
  /** What is in force already. */
  readonly ahead: LinkAhead | undefined;
}

/** What a sandbox's first policy is to its warden. */
export interface FirstPolicy {
  readonly parts: PolicyParts;
  readonly frames: PolicyFrames;
  readonly rules: readonly NamedRule[];
  /** Whether the warden has to be told, where it has been told something before. */
  readonly changed: boolean;
}

/** Encodes it, and compares it with what is in force. */
export function firstPolicy({ read, plans, setting, narrowed, ahead }: FirstPolicyInput): FirstPolicy {
  const encode = (optional: boolean) => {
    const parts = policyParts(read, plans, setting, { generation: 1, narrowed: optional });
    return { parts, ...encodePolicy(parts, 0) };
  };
  const first = encode(narrowed);
  // What names lead to in a folder of the host may have changed since.
  const same = !setting.warden.liveMounts && ahead !== undefined && areEqual(first.frames, ahead.frames);
  if (ahead === undefined || same) return { ...first, changed: false };
  return { ...(narrowed ? first : encode(true)), changed: true };
}

function areEqual(a: PolicyFrames, b: PolicyFrames): boolean {
  return a.length === b.length && a.every((frame, index) => frame.equals(b[index] as Buffer));
}

/** What a policy is put in force ahead for. */
export interface AheadInput {
  readonly id: string;
  readonly read: ReadPolicy;
  readonly plans: Plans;
  readonly warden: StartedWarden;
  readonly options: SandboxOptions;
  readonly workspace: string | undefined;
  readonly trust: PolicySetting["trust"];
  readonly signal: AbortSignal;
}

/** Puts a policy in force before anybody has the sandbox: without hooks, which are its user's own. */
export async function openAhead(input: AheadInput): Promise<LinkAhead> {
  const { id, read, plans, warden, options, workspace, trust, signal } = input;
  const registry = await PluginRegistry.open([], { sandbox: id, onProblem: () => undefined });
  const setting = { warden, registry, options, workspace, trust };
  const { frames } = firstPolicy({ read, plans, setting, narrowed: false, ahead: undefined });
  return openLinkAhead(warden, { filesystem: plans.filesystem, frames }, signal);
}
