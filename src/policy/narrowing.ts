/**
 * Whether one policy allows no more than another. Judged by the rules alone and on the safe side: what cannot be seen to
 * be narrower counts as wider.
 *
 * @module
 */

import { canonicalJson } from "./digest.ts";
import type { DocumentPath } from "./issues.ts";
import type { NormalizedPolicy } from "./normalized.ts";
import { filesystemWidenings, processWidenings } from "./widenings.ts";

/** What became of a section. `wider`: it may allow something new; `because` is the end of a sentence. */
export type Change =
  | { readonly kind: "same" | "narrower" }
  | {
      readonly kind: "wider";
      readonly because: string;
      /** The first place of the new policy that makes it so. */
      readonly path: DocumentPath;
    };

/** What became of each section that a running sandbox is held by. */
export interface PolicyChange {
  readonly filesystem: Change;
  readonly process: Change;
}

/**
 * Compares what two policies let files and programs be used for.
 *
 * Shape: `same` where each allows no more than the other, `narrower` where the new one does. Ids, order and spelling make no
 * difference. Who decides on an ask, an approver or a hook by its name, counts: a question that goes to somebody else
 * may get another answer. Limits hold for the life of a sandbox, so any change of them is `wider`.
 *
 * @example
 * ```ts
 * const old = normalizePolicy({ version: 1, filesystem: { write: ["."] } });
 * const next = normalizePolicy({ version: 1, filesystem: { write: ["./docs"] } });
 * comparePolicies(old, next).filesystem; // { kind: "narrower" }
 * ```
 */
export function comparePolicies(old: NormalizedPolicy, next: NormalizedPolicy): PolicyChange {
  return {
    filesystem: change(filesystemProblem(old, next), () => filesystemProblem(next, old)),
    process: change(processProblem(old, next), () => processProblem(next, old)),
  };
}

interface Problem {
  readonly because: string;
  readonly path: DocumentPath;
}

function change(forth: Problem | undefined, back: () => Problem | undefined): Change {
  if (forth !== undefined) return { kind: "wider", because: forth.because, path: forth.path };
  return { kind: back() === undefined ? "same" : "narrower" };
}

function filesystemProblem(old: NormalizedPolicy, next: NormalizedPolicy): Problem | undefined {
  return filesystemWidenings(old, next)[0];
}

function processProblem(old: NormalizedPolicy, next: NormalizedPolicy): Problem | undefined {
  if (canonicalJson(old.process.limits) !== canonicalJson(next.process.limits)) {
    return { because: "limits hold for the life of a sandbox", path: ["process", "limits"] };
  }
  return processWidenings(old, next)[0];
}
