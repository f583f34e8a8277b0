/**
 * The private ranges of parts. They hold for every rule of a policy; put together, those of one part must not open private
 * addresses to the rules of another.
 *
 * @module
 */

import { checkPolicy } from "../check.ts";
import { canonicalJson } from "../digest.ts";
import { normalizePolicy } from "../normalize.ts";
import type { NetworkRule, NetworkSection } from "../types.ts";
import { conflict } from "./conflicts.ts";
import { knownSources, type Part, rememberSources } from "./parts.ts";

/**
 * The parts, with the private ranges of each given to its own rules where they differ.
 *
 * @throws {SandboxError} POLICY_CONFLICT If a part has no rules to give them to.
 */
export function withOwnRanges(parts: readonly Part[]): readonly Part[] {
  const reaching = parts.filter(({ policy: { network } }) => reaches(network) || rangesOf(network).length > 0);
  const said = reaching.map(({ policy }) => canonicalJson([...rangesOf(policy.network)].sort()));
  if (new Set(said).size < 2) return parts;
  return parts.map((part) => {
    const ranges = rangesOf(part.policy.network);
    if (ranges.length === 0) return part;
    const other = reaching.find((each) => canonicalJson(rangesOf(each.policy.network)) !== canonicalJson(ranges));
    if (!hasRules(part.policy.network) || part.policy.network?.unmatched === "ask") {
      throw conflict({
        path: "network.privateRanges",
        name: "network.privateRanges",
        parts: [part.name, other?.name ?? part.name],
        values: [ranges, rangesOf(other?.policy.network)],
        hint: "Give the ranges to the rules that they are for, as addresses",
      });
    }
    return withAddresses(part, ranges);
  });
}

function withAddresses(part: Part, ranges: readonly string[]): Part {
  const { privateRanges: _, ...network } = part.policy.network ?? {};
  const give = (rule: NetworkRule): NetworkRule => {
    return { ...rule, addresses: [...new Set([...(rule.addresses ?? []), ...ranges])] };
  };
  const lists = (["allow", "ask"] as const).flatMap((list) => {
    const rules = network[list];
    return rules === undefined ? [] : [[list, rules.map(give)] as const];
  });
  const policy = checkPolicy({ ...part.policy, network: { ...network, ...Object.fromEntries(lists) } });
  const sources = knownSources(part.policy);
  if (sources !== undefined) rememberSources(policy, sources);
  return { ...part, policy, normalized: normalizePolicy(policy) };
}

function rangesOf(network: NetworkSection | undefined): readonly string[] {
  return network?.privateRanges ?? [];
}

function hasRules(network: NetworkSection | undefined): boolean {
  return (network?.allow ?? []).length + (network?.ask ?? []).length > 0;
}

function reaches(network: NetworkSection | undefined): boolean {
  return hasRules(network) || network?.unmatched === "ask";
}
