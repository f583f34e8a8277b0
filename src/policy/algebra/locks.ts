/**
 * Sections that nobody else may widen.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { quote } from "../issues.ts";
import { normalizePolicy } from "../normalize.ts";
import type { Policy, PolicySectionName } from "../types.ts";
import type { Widening } from "../widenings.ts";
import { valueKey } from "./draft.ts";
import { knownSources, type Part } from "./parts.ts";
import { SECTION_WIDENINGS } from "./section-widenings.ts";

/**
 * Holds a policy to the locked sections of the parts that it was composed of.
 *
 * @throws {SandboxError} POLICY_LOCKED If it may allow more than one of them there.
 */
export function holdLocks(parts: readonly Part[], policy: Policy): void {
  const normalized = normalizePolicy(policy);
  for (const part of parts) {
    for (const section of part.policy.locked ?? []) {
      const [widening] = SECTION_WIDENINGS[section](part.normalized, normalized);
      if (widening !== undefined) throw locked(part, section, widening, policy);
    }
  }
}

function locked(
  part: Part,
  section: PolicySectionName,
  { because, path, rule }: Widening,
  policy: Policy,
): SandboxError<"POLICY_LOCKED"> {
  const key = rule === undefined ? valueKey(path.join(".")) : rule.id;
  const by = (knownSources(policy)?.get(key) ?? []).filter((name) => name !== part.name);
  const who = by.length === 0 ? "another part" : by.map(quote).join(" and ");
  return new SandboxError(
    "POLICY_LOCKED",
    `Cannot compose: ${who} would widen ${section}, which ${quote(part.name)} has locked: ${because}`,
    {
      details: { section, part: part.name, by, path, reason: because },
      hint: `Take it out of ${who}, or have ${section} unlocked by ${quote(part.name)}`,
    },
  );
}
