/**
 * One question to an approver: what may be answered, and what becomes of the answer.
 *
 * @module
 */

import { type Approval, type ApprovalCall, readApproval } from "../hooks/approval.ts";
import type { ApprovalRequest, ApprovalScope, Approver } from "../hooks/approval-types.ts";
import { isThenable } from "../hooks/call.ts";
import { describeRequest } from "./describe.ts";
import { factsOf } from "./facts.ts";
import type { PolicyPatch } from "./policy-patch.ts";
import { suggestRule } from "./suggest.ts";

/** What a question needs. */
export interface ConsultOptions {
  readonly approve: Approver;
  /** Where rules for always go. */
  readonly patch: PolicyPatch | undefined;
  /** A rule could not be written down. */
  onUnwritten(error: unknown): void;
}

/** What may be answered, the narrowest first. */
export function scopesOf(request: ApprovalRequest, hasPatch: boolean): readonly ApprovalScope[] {
  const isAccess = request.domain === "network" && request.requested !== undefined;
  const lasting = isAccess || factsOf(request) !== undefined;
  const canWrite =
    hasPatch && (["allow", "deny"] as const).some((verdict) => suggestRule(request, verdict) !== undefined);
  return [
    // What is granted at cofferdam.local stays.
    ...(isAccess ? [] : (["once"] as const)),
    ...(lasting ? (["session"] as const) : []),
    ...(canWrite ? (["always"] as const) : []),
  ];
}

/**
 * Asks. A throw of the approver is one of this function.
 *
 * @returns undefined where it is no answer.
 */
export function consult(
  options: ConsultOptions,
  request: ApprovalRequest,
  call: ApprovalCall,
): Approval | undefined | Promise<Approval | undefined> {
  const take = (answer: unknown): Approval | undefined | Promise<Approval | undefined> => {
    const approval = readApproval(answer, call.scopes);
    if (approval === undefined) return undefined;
    if (!call.waiting) {
      const { allowed, by } = approval;
      // A no that comes too late is what happened anyway.
      if (allowed) call.refused({ id: call.id, why: "late", ...(by === undefined ? {} : { by }) });
      return approval;
    }
    return approval.scope === "always" ? writeDown(options, request, approval) : approval;
  };
  const answer = options.approve(request, call);
  return isThenable(answer) ? Promise.resolve(answer).then(take) : take(answer);
}

/** An answer for always that cannot be written down holds as long as the sandbox does. */
async function writeDown(
  { patch, onUnwritten }: ConsultOptions,
  request: ApprovalRequest,
  approval: Approval,
): Promise<Approval> {
  const shorter: Approval = { ...approval, scope: "session" };
  const verdict = approval.allowed ? "allow" : "deny";
  const rule = suggestRule(request, verdict);
  if (patch === undefined || rule === undefined) return shorter;
  const waits =
    verdict === "allow" && request.ruleId !== undefined ? `; without effect while ${request.ruleId} asks` : "";
  const who = approval.by ?? "somebody";
  try {
    await patch.add(rule, `${who}, ${new Date().toISOString()}: ${describeRequest(request).title}${waits}`);
    return approval;
  } catch (error) {
    onUnwritten(error);
    return shorter;
  }
}
