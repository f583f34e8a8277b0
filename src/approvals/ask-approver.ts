/**
 * A question from outside of every sandbox, such as a gate of a pipeline, with the same rules: silence, a throw and nonsense
 * are a no.
 *
 * @module
 */

import { APPROVE_TIMEOUT_MS, ApprovalCall, readApproval } from "../hooks/approval.ts";
import type { ApprovalRequest, Approver, RefusedAnswer } from "../hooks/approval-types.ts";

/** The options of `askApprover`. */
export interface AskApproverOptions {
  /** What asks, in the place of a sandbox's id. */
  readonly asker: string;
  /** In milliseconds, at most 2^31 - 1. @default 300000 */
  readonly timeoutMs?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
  /** Hears of answers that did not count. */
  readonly onRefused?: (answer: RefusedAnswer) => void;
}

/** What came of it. */
export interface ApproverOutcome {
  readonly allowed: boolean;
  readonly reason: string;
  /** Who answered. Undefined: nobody did, or nobody said so. */
  readonly by?: string;
  /** The id of the question. */
  readonly question: string;
  /** When: ISO 8601. */
  readonly at: string;
}

/** The longest delay of a timer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Asks an approver. It never rejects: whatever goes wrong is a no. */
export function askApprover(
  approve: Approver,
  request: ApprovalRequest,
  { asker, timeoutMs = APPROVE_TIMEOUT_MS, signal, onRefused }: AskApproverOptions,
): Promise<ApproverOutcome> {
  const patience = Math.min(timeoutMs, TIMER_MAX_MS);
  const call = new ApprovalCall({ sandbox: asker, timeoutMs: patience, scopes: ["once"], onRefused });
  return new Promise((resolve) => {
    const end = (allowed: boolean, reason: string, by?: string): void => {
      signal?.removeEventListener("abort", abort);
      const at = new Date().toISOString();
      resolve({ allowed, reason, ...(by === undefined ? {} : { by }), question: call.id, at });
    };
    const abort = (): void => {
      end(false, "nobody waits for the answer any more");
      call.abort(new Error("nobody waits for the answer any more"));
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    const answer = (async () => approve(request, call))();
    call.settle(answer, patience, {
      onValue: (value) => {
        call.end();
        const approval = readApproval(value, call.scopes);
        if (approval === undefined) end(false, "the approver gave no answer");
        else
          end(
            approval.allowed,
            approval.reason || (approval.allowed ? "it was approved" : "it was not approved"),
            approval.by,
          );
      },
      onError: () => {
        call.end();
        end(false, "the approver failed");
      },
      onLate: () => {
        end(false, `it was not approved within ${patience} ms`);
        call.abort(new Error(`its ${patience} ms are over`));
      },
    });
  });
}
