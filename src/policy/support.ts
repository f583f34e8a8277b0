/**
 * What this version cannot enforce yet. It is refused by name: a policy never runs with less than it says.
 *
 * @module
 */

import { type IssueDraft, placeIssues, policyError } from "./issues.ts";
import type { NormalizedPolicy } from "./normalized.ts";
import { originOf } from "./origin.ts";

/** The sections that this version cannot enforce, which can be looked at one by one. */
export type PolicySection = "inference";

const SECTIONS: Readonly<Record<PolicySection, (policy: NormalizedPolicy) => IssueDraft[]>> = {
  inference,
};

/** Options of {@link assertEnforceable}. */
export interface AssertEnforceableOptions {
  /** The sections to look at. @default all */
  readonly sections?: readonly PolicySection[];
}

/**
 * Refuses a policy that asks for something that this version cannot enforce.
 *
 * Enforced are `filesystem`, `process`, `network`, `inference`, `credentials` and `audit`.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If it asks for anything else: one error with every issue, and line and column
 * where the policy came as text.
 *
 * @example
 * ```ts
 * import { assertEnforceable, normalizePolicy } from "cofferdam";
 *
 * assertEnforceable(normalizePolicy({ version: 1, filesystem: { read: ["."], deny: ["./secrets"] } }));
 * ```
 */
export function assertEnforceable(policy: NormalizedPolicy, options: AssertEnforceableOptions = {}): void {
  const { sections = Object.keys(SECTIONS) as PolicySection[] } = options;
  const drafts = sections.flatMap((section) => SECTIONS[section](policy));
  if (drafts.length === 0) return;
  const { source, locate } = originOf(policy) ?? {};
  const keys = new Set(
    drafts.map(({ path: [section, key] }) => (typeof key === "string" ? `${section}.${key}` : section)),
  );
  const known = "filesystem, process, network, inference, credentials and audit";
  const hint = `Leave out ${[...keys].join(", ")}: this version enforces ${known}`;
  throw policyError("POLICY_UNSUPPORTED", placeIssues(drafts, locate), { source, hint });
}

function inference(policy: NormalizedPolicy): IssueDraft[] {
  const message = "a call that no route takes has nowhere to go: only deny is in this version";
  return policy.inference.unmatched === "deny" ? [] : [{ path: ["inference", "unmatched"], message }];
}
