/**
 * The filesystem domain's view of a policy: one list of grants, one of denials.
 *
 * @module
 */

import type { NormalizedPolicy, PathAccess } from "../../policy/mod.ts";

/** A grant of the policy or its baseline. */
export interface FilesystemRule {
  readonly id: string;
  readonly path: string;
  readonly access: PathAccess;
  readonly optional: boolean;
  readonly baseline: boolean;
}

/** What the filesystem section says, the baseline included. */
export interface FilesystemRules {
  readonly grants: readonly FilesystemRule[];
  readonly denials: readonly { readonly id: string; readonly path: string }[];
}

/** Reads the filesystem section of a policy. Paths are still canonical, not absolute. */
export function filesystemRules({ filesystem }: NormalizedPolicy): FilesystemRules {
  const own = (["read", "write"] as const).flatMap((access) => {
    return filesystem[access].map(({ id, path, optional }) => ({ id, path, access, optional, baseline: false }));
  });
  return {
    grants: [...own, ...filesystem.baseline.map((grant) => ({ ...grant, baseline: true }))],
    denials: filesystem.deny,
  };
}
