/**
 * Who is asked where the policy or a hook says `ask`: a call, and how its answer is read.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { ApprovalContext, ApprovalScope, RefusedAnswer } from "./approval-types.ts";
import { Call } from "./call.ts";
import { readVerdict } from "./verdict.ts";

/** How long an approver may take unless an option says so, in milliseconds. */
export const APPROVE_TIMEOUT_MS: number = 300_000;

/** What a call of an approver is made of. */
export interface ApprovalCallOptions extends Pick<ApprovalContext, "sandbox" | "timeoutMs" | "scopes"> {
  readonly onRefused?: ((answer: RefusedAnswer) => void) | undefined;
}

/** A call of an approver. It is what the approver gets as its context. */
export class ApprovalCall extends Call implements ApprovalContext {
  readonly id: string = randomUUID();
  readonly timeoutMs: number;
  readonly expiresAt: string;
  readonly scopes: readonly ApprovalScope[];
  readonly refused: (answer: RefusedAnswer) => void;

  constructor({ sandbox, timeoutMs, scopes, onRefused }: ApprovalCallOptions) {
    super(sandbox);
    this.timeoutMs = timeoutMs;
    this.expiresAt = new Date(Date.now() + timeoutMs).toISOString();
    this.scopes = scopes;
    this.refused = (answer) => onRefused?.(answer);
  }
}

/** An answer that was understood. */
export interface Approval {
  readonly allowed: boolean;
  readonly scope: ApprovalScope;
  /** Empty where nothing was said. */
  readonly reason: string;
  readonly by?: string;
}

const SCOPES: readonly ApprovalScope[] = ["once", "session", "always"];
const BY_MAX = 128;

/**
 * What an approver said.
 *
 * @returns undefined where it is no answer.
 */
export function readApproval(answer: unknown, offered: readonly ApprovalScope[]): Approval | undefined {
  const [narrowest = "once"] = offered;
  if (typeof answer === "boolean") return { allowed: answer, scope: narrowest, reason: "" };
  const verdict = readVerdict(answer);
  if (verdict?.verdict !== "allow" && verdict?.verdict !== "deny") return undefined;
  const extra = readExtra(answer as object);
  if (extra === undefined) return undefined;
  const { scope = narrowest, by } = extra;
  const reason = verdict.reason ?? "";
  const named = by === undefined ? {} : { by };
  const granted = offered.findLast((each) => SCOPES.indexOf(each) <= SCOPES.indexOf(scope));
  if (granted !== undefined) return { allowed: verdict.verdict === "allow", scope: granted, reason, ...named };
  // What cannot be given for so short a time is not given for longer.
  return { allowed: false, scope: narrowest, reason: reason || `it cannot be answered for ${scope}`, ...named };
}

function readExtra(answer: object): { scope?: ApprovalScope; by?: string } | undefined {
  try {
    const { scope, by } = answer as Readonly<Record<string, unknown>>;
    const known = SCOPES.find((each) => each === scope);
    if ((scope !== undefined && known === undefined) || (by !== undefined && typeof by !== "string")) return undefined;
    return {
      ...(known === undefined ? {} : { scope: known }),
      ...(by === undefined || by === "" ? {} : { by: by.slice(0, BY_MAX) }),
    };
  } catch {
    // A property that throws when it is looked at.
    return undefined;
  }
}
