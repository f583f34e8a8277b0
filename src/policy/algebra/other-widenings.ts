/**
 * Everything by which a newer policy may give more of what is no file, program or connection: resources, and deeds that nobody writes
 * down.
 *
 * @module
 */
import type { NormalizedPolicy } from "../normalized.ts";
import type { Widening } from "../widenings.ts";

/** Why more resources may be used. */
export function limitWidenings({ process: old }: NormalizedPolicy, { process: next }: NormalizedPolicy): Widening[] {
  const { mode: modeBefore, ...before } = old.limits;
  const { mode: modeAfter, ...after } = next.limits;
  const raised = raisedBounds(before, after).map((key) => ({
    because: `process.limits.${key} is higher, or gone`,
    path: ["process", "limits", key],
  }));
  const isLooser = modeAfter === "best-effort" && modeBefore === "enforce";
  const loosened = { because: "limits need no longer be held exactly", path: ["process", "limits", "mode"] };
  return isLooser ? [...raised, loosened] : raised;
}

const RECORDED = ["off", "denials", "all"] as const;

/** Why less is recorded. Nothing more may happen then, but it may happen unseen. */
export function auditWidenings({ audit: old }: NormalizedPolicy, { audit: next }: NormalizedPolicy): Widening[] {
  const isFewer = RECORDED.indexOf(next.files) < RECORDED.indexOf(old.files);
  const files = { because: "fewer file operations are recorded", path: ["audit", "files"] };
  const isSilent = old.inference === "content" && next.inference === undefined;
  const calls = { because: "what calls to models say is no longer recorded", path: ["audit", "inference"] };
  return [...(isFewer ? [files] : []), ...(isSilent ? [calls] : [])];
}

type Bounds = Readonly<Partial<Record<string, number>>>;

/** The bounds of before that are higher after, or gone. */
export function raisedBounds(before: Bounds, after: Bounds): string[] {
  return Object.entries(before)
    .filter(([key, bound]) => bound !== undefined && (after[key] ?? Number.POSITIVE_INFINITY) > bound)
    .map(([key]) => key);
}
