/**
 * What this version cannot enforce yet. It is refused by name: a policy never runs with less than it says.
 *
 * @module
 */

import { isLiteral } from "./glob.ts";
import { type IssueDraft, placeIssues, policyError } from "./issues.ts";
import type { NormalizedPolicy } from "./normalized.ts";
import { originOf } from "./origin.ts";
import { overlappingGrant } from "./overlap.ts";
import { HOME_PATH, type Places, WORKSPACE_PATH } from "./paths.ts";

/** The sections that can be looked at one by one. */
export type PolicySection = "filesystem" | "process" | "network" | "inference" | "credentials" | "audit";

const SECTIONS: Readonly<Record<PolicySection, (policy: NormalizedPolicy, places: Places) => IssueDraft[]>> = {
  filesystem,
  process: processSection,
  network,
  inference,
  credentials,
  audit,
};

/** Options of {@link assertEnforceable}. */
export interface AssertEnforceableOptions {
  /** The sections to look at. @default all */
  readonly sections?: readonly PolicySection[];
  /** Where the workspace and the home are. @default {WORKSPACE_PATH and HOME_PATH} */
  readonly places?: Places;
}

/**
 * Refuses a policy that asks for something that this version cannot enforce.
 *
 * Enforced are `filesystem.read` and `write` on whole files and directories, denials of what nothing grants, and
 * `process.limits`.
 *
 * @throws {SandboxError} POLICY_UNSUPPORTED If it asks for anything else: one error with every issue, and line and column
 * where the policy came as text.
 *
 * @example
 * ```ts
 * import { assertEnforceable, normalizePolicy } from "cofferdam";
 *
 * assertEnforceable(normalizePolicy({ version: 1, filesystem: { read: ["."], write: ["./docs"] } }));
 * ```
 */
export function assertEnforceable(policy: NormalizedPolicy, options: AssertEnforceableOptions = {}): void {
  const { sections = Object.keys(SECTIONS) as PolicySection[] } = options;
  const { places = { workspace: WORKSPACE_PATH, home: HOME_PATH } } = options;
  const drafts = sections.flatMap((section) => SECTIONS[section](policy, places));
  if (drafts.length === 0) return;
  const { source, locate } = originOf(policy) ?? {};
  const keys = new Set(
    drafts.map(({ path: [section, key] }) => (typeof key === "string" ? `${section}.${key}` : section)),
  );
  const hint = `Leave out ${[...keys].join(", ")}: this version enforces filesystem.read and write of whole files and directories, and process.limits`;
  throw policyError("POLICY_UNSUPPORTED", placeIssues(drafts, locate), { source, hint });
}

const NO_ASK = "approvals are not in this version";
const NO_HOOKS = "hooks are not in this version";

function filesystem(policy: NormalizedPolicy, places: Places): IssueDraft[] {
  const section = policy.filesystem;
  const issues: IssueDraft[] = [];
  for (const list of ["read", "write"] as const) {
    for (const [index, { path, defer }] of section[list].entries()) {
      const place = ["filesystem", list, index];
      if (!isLiteral(path)) {
        const message = `the glob "${path}" is finer than whole files and directories, which is all that this version grants`;
        issues.push({ path: place, message });
      }
      if (defer !== undefined) issues.push({ path: place, message: `defers to "${defer}": ${NO_HOOKS}` });
    }
  }
  for (const [index, { path }] of section.deny.entries()) {
    const grant = overlappingGrant(policy, path, places);
    if (grant === undefined) continue;
    const message = `"${path}" lies in or around what ${grant} grants: a denial inside a grant is not in this version`;
    issues.push({ path: ["filesystem", "deny", index], message });
  }
  for (const [index, { path }] of section.ask.entries()) {
    issues.push({ path: ["filesystem", "ask", index], message: `"${path}" asks: ${NO_ASK}` });
  }
  return [...issues, ...unmatched(policy, "filesystem")];
}

function processSection(policy: NormalizedPolicy): IssueDraft[] {
  const { allow, deny, ask } = policy.process;
  const message = "decisions on programs are not in this version: whatever may be read may start";
  const issues: IssueDraft[] = [];
  // An empty list allows nothing, which is a rule too.
  if (allow !== "readable") issues.push({ path: ["process", "allow"], message });
  issues.push(...deny.map((_, index) => ({ path: ["process", "deny", index], message })));
  issues.push(...ask.map((_, index) => ({ path: ["process", "ask", index], message })));
  return [...issues, ...unmatched(policy, "process")];
}

function network(policy: NormalizedPolicy): IssueDraft[] {
  const message = "network rules are not in this version: a sandbox reaches nothing but its own loopback";
  const lists = (["allow", "deny", "ask"] as const).flatMap((list) => {
    return policy.network[list].map((_, index): IssueDraft => ({ path: ["network", list, index], message }));
  });
  return [...lists, ...unmatched(policy, "network")];
}

function inference(policy: NormalizedPolicy): IssueDraft[] {
  const { routes, intercept, budget } = policy.inference;
  const message = "inference is not in this version: a sandbox reaches no model";
  const issues: IssueDraft[] = [
    ...routes.map((_, index) => ({ path: ["inference", "routes", index], message })),
    ...intercept.map((_, index) => ({ path: ["inference", "intercept", index], message })),
    ...Object.keys(budget).map((key) => ({ path: ["inference", "budget", key], message })),
  ];
  return [...issues, ...unmatched(policy, "inference")];
}

function credentials(policy: NormalizedPolicy): IssueDraft[] {
  const message = "credentials are not in this version";
  return policy.credentials.map((_, index) => ({ path: ["credentials", index], message }));
}

function audit(policy: NormalizedPolicy): IssueDraft[] {
  const { files } = policy.audit;
  if (files === "off") return [];
  return [
    { path: ["audit", "files"], message: `"${files}" needs file decisions to be seen, which is not in this version` },
  ];
}

function unmatched(
  policy: NormalizedPolicy,
  section: "filesystem" | "process" | "network" | "inference",
): IssueDraft[] {
  if (policy[section].unmatched === "deny") return [];
  return [{ path: [section, "unmatched"], message: `"ask": ${NO_ASK}` }];
}
