/**
 * The filesystem domain's view of a policy: what could be let happen, rule by rule, and what is denied.
 *
 * @module
 */

import type { NormalizedPolicy, PathAccess } from "../../policy/core.ts";

/** Something that the policy or its baseline grants, or may grant once somebody was asked. */
export interface FilesystemRule {
  readonly id: string;
  /** Canonical; may be a glob. */
  readonly path: string;
  readonly access: PathAccess;
  readonly optional: boolean;
  /** Who says so. `ask` and `unmatched` only say that somebody may. */
  readonly source: "policy" | "baseline" | "ask" | "unmatched";
}

/** What the filesystem section says, the baseline included. */
export interface FilesystemRules {
  readonly grants: readonly FilesystemRule[];
  readonly denials: readonly { readonly id: string; readonly path: string }[];
}

/** Reads the filesystem section of a policy. Paths are still canonical, not absolute. */
export function filesystemRules({ filesystem }: NormalizedPolicy): FilesystemRules {
  const own = (["read", "write"] as const).flatMap((access) => {
    return filesystem[access].map(({ id, path, optional, defer }): FilesystemRule => {
      // What a hook decides is not certain, so nothing has to be there for it.
      return { id, path, access, optional: optional || defer !== undefined, source: "policy" };
    });
  });
  const asked = filesystem.ask.map(({ id, path }): FilesystemRule => {
    return { id, path, access: "write", optional: true, source: "ask" };
  });
  return {
    grants: [
      ...own,
      ...asked,
      ...(filesystem.unmatched === "ask" ? UNMATCHED : []),
      ...filesystem.baseline.map((grant): FilesystemRule => ({ ...grant, source: "baseline" })),
    ],
    denials: filesystem.deny,
  };
}

/** Where what nothing matches asks: whatever is there may be read then, and the workspace changed. */
const UNMATCHED: readonly FilesystemRule[] = [
  { id: "filesystem.unmatched", path: ".", access: "write", optional: true, source: "unmatched" },
  { id: "filesystem.unmatched", path: "/", access: "read", optional: true, source: "unmatched" },
];
