/**
 * What waits for an answer in a sandbox in the background, and the answers.
 *
 * @module
 */
import * as z from "zod";
import { userName } from "../../approvals/user-name.ts";
import type { ApprovalBroker } from "../../mod.ts";
import type { ControlMethods } from "../control/server.ts";

const NOTHING = z.strictObject({});
const ANSWER = z.strictObject({
  question: z.string().min(1).max(128),
  verdict: z.enum(["allow", "deny"]),
  scope: z.enum(["once", "session", "always"]).optional(),
  reason: z.string().max(1000).optional(),
});

/** The methods for them. */
export function approvalMethods(broker: ApprovalBroker): ControlMethods {
  return {
    approvals: async (params) => {
      NOTHING.parse(params);
      return { questions: broker.list() };
    },
    answer: async (params) => {
      const { question, verdict, scope, reason } = ANSWER.parse(params);
      // Whoever may open the socket is this user: see `docs/cli.md`.
      broker.answer(question, {
        verdict,
        by: userName(),
        ...(scope === undefined ? {} : { scope }),
        ...(reason === undefined ? {} : { reason }),
      });
      return { answered: question };
    },
  };
}
