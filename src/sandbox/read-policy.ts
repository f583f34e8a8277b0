/**
 * The policy in every form that `createSandbox` takes.
 *
 * @module
 */
import { checkPolicy, type NormalizedPolicy, normalizePolicy, type Policy, policyDigest } from "../policy/core.ts";

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
  const policy = typeof input === "string" ? await readText(input) : checkPolicy(input);
  const normalized = normalizePolicy(policy);
  return { policy, normalized, digest: policyDigest(normalized) };
}

/** Loaded when it is needed: a policy that is an object waits for no reader of YAML. */
async function readText(text: string): Promise<Policy> {
  const isPath = !text.includes("\n") && /\.(ya?ml|json)$/i.test(text.trim());
  if (isPath) return (await import("../policy/load.ts")).loadPolicy(text.trim());
  return (await import("../policy/parse.ts")).parsePolicy(text);
}
