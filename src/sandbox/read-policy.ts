/**
 * The policy in every form that `createSandbox` takes.
 *
 * @module
 */
import {
  loadPolicy,
  type NormalizedPolicy,
  normalizePolicy,
  type Policy,
  parsePolicy,
  policyDigest,
} from "../policy/mod.ts";

/** A policy that was read. */
export interface ReadPolicy {
  /** As it was written, checked and frozen. */
  readonly policy: Policy;
  /** With every default explicit. */
  readonly normalized: NormalizedPolicy;
  /** `sha256:` and hexadecimal digits: the same for every way to write the same policy. */
  readonly digest: string;
}

/** Reads it. One line that ends like a policy's file name is one; other text is the policy itself. */
export async function readPolicy(input: Policy | string): Promise<ReadPolicy> {
  const isPath = typeof input === "string" && !input.includes("\n") && /\.(ya?ml|json)$/i.test(input.trim());
  const policy = isPath ? await loadPolicy(input.trim()) : parsePolicy(input);
  const normalized = normalizePolicy(policy);
  return { policy, normalized, digest: policyDigest(normalized) };
}
