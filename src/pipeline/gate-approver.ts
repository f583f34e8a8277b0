/**
 * Gates that are answered by whoever answers for sandboxes: a terminal, a webhook, several people.
 *
 * @module
 */
import { askApprover } from "../approvals/mod.ts";
import type { Approver } from "../hooks/approval-types.ts";
import type { GateApprover } from "./gate-types.ts";

/**
 * Makes an approver of gates from one of sandboxes.
 *
 * Shape: it is asked with `domain: "gate"`; the facts name the run, the digest and the deadline, the text is what the gate shows, with
 * control characters escaped. Scopes have no meaning here: an answer is for once.
 *
 * @example
 * ```ts
 * import { createApprovalBroker, definePipeline, gateByApprover, quorum } from "cofferdam";
 *
 * const [ada, grace] = [createApprovalBroker(), createApprovalBroker()];
 * export default definePipeline({
 *   name: "docs",
 *   stages: {
 *     write: {
 *       command: ["node", "agent.js"],
 *       inputs: ["docs", "agent.js"],
 *       outputs: { docs: { path: "docs", release: true } },
 *       gate: { approve: gateByApprover(quorum(2, ada.approve, grace.approve)) },
 *     },
 *   },
 * });
 * ```
 */
export function gateByApprover(approve: Approver): GateApprover {
  return async ({ pipeline, run, stage, on, digest, text, changes, deadline }, { timeoutMs, signal }) => {
    const facts = [
      ["pipeline", pipeline],
      ["run", run],
      ["stage", stage],
      ["changes", String(changes.length)],
      ["digest", digest],
      ["until", deadline],
    ] as const;
    const outcome = await askApprover(
      approve,
      {
        domain: "gate",
        gate: { name: `${stage}: the ${on}`, facts, text },
        reason: `nothing leaves "${stage}" before somebody agrees`,
        askedBy: { kind: "policy" },
      },
      { asker: run, timeoutMs, signal },
    );
    const { allowed: approved, reason, by } = outcome;
    return { approved, reason, ...(by === undefined ? {} : { by }) };
  };
}
