/**
 * Several approvers: whoever answers first, or so many of them.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { type Approval, readApproval } from "../hooks/approval.ts";
import type { ApprovalAnswer, ApprovalContext, ApprovalRequest, Approver } from "../hooks/approval-types.ts";

/** An approver of its own, and those of plugins: all are asked at once, and the first answer counts. */
export function joinApprovers(
  own: Approver | undefined,
  plugins: readonly { readonly name: string; readonly approve: Approver | undefined }[],
): Approver | undefined {
  const theirs = plugins.flatMap(({ name, approve }) => (approve === undefined ? [] : [named(name, approve)]));
  const all = [...(own === undefined ? [] : [own]), ...theirs];
  return all.length > 1 ? firstAnswer(...all) : all[0];
}

/** Gives an approver's answers a name where they have none. */
function named(name: string, approve: Approver): Approver {
  return async (request, context) => {
    const answer = await approve(request, context);
    const approval = readApproval(answer, context.scopes);
    return approval === undefined ? answer : answerOf({ by: name, ...approval });
  };
}

/**
 * Asks all of them at once; the first answer counts, whatever it is, and the others are told that nobody waits.
 *
 * One that fails, or answers with nothing, has no say: where none is left that could answer, it is a no.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is none, one that is no function, or one twice.
 *
 * @example
 * ```ts
 * import { createApprovalBroker, firstAnswer, terminalApprover } from "cofferdam";
 *
 * export const broker = createApprovalBroker();
 * export const approve = firstAnswer(terminalApprover(), broker.approve);
 * ```
 */
export function firstAnswer(...approvers: readonly Approver[]): Approver {
  check("firstAnswer", approvers);
  return (request, context) =>
    askAll(approvers, request, context, (approvals) => {
      const first = approvals.find((approval) => approval !== "pending" && approval !== "none");
      if (first !== undefined) return first as Approval;
      return approvals.includes("pending") ? undefined : { ...NO, reason: "no approver answered" };
    });
}

/**
 * Asks all of them at once, and allows what `needed` of them allow: each person (`by`) has one vote.
 *
 * A denial, a failure and an answer that is none are votes against it. It is a no as soon as too few are left. The answer goes
 * as far as the least of those that allowed it.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If `needed` is not from 1 to the number of approvers, or one is no function or there
 * twice.
 *
 * @example
 * ```ts
 * import { type Approver, quorum } from "cofferdam";
 *
 * const someone = (name: string): Approver => () => ({ verdict: "allow", by: name });
 * export const approve = quorum(2, someone("ada"), someone("grace"), someone("joan"));
 * ```
 */
export function quorum(needed: number, ...approvers: readonly Approver[]): Approver {
  check("quorum", approvers);
  if (!Number.isInteger(needed) || needed < 1 || needed > approvers.length) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot ask for ${needed} of ${approvers.length} approvers`, {
      details: { argument: "needed", value: needed },
      hint: "Give a whole number from 1 to the number of approvers",
    });
  }
  return (request, context) =>
    askAll(approvers, request, context, (approvals) => countVotes(needed, approvals, context));
}

type Vote = Approval | "pending" | "none";

const NO: Approval = { allowed: false, scope: "once", reason: "" };

function countVotes(needed: number, votes: readonly Vote[], { scopes }: ApprovalContext): Approval | undefined {
  const given = votes.filter((vote): vote is Approval => vote !== "pending" && vote !== "none");
  const allowing = new Map<string, Approval>();
  // Who has said yes in one place and no in another has not agreed.
  const objecting = new Set(given.flatMap(({ allowed, by }) => (allowed || by === undefined ? [] : [by])));
  for (const [index, vote] of given.entries()) {
    if (vote.allowed && !(vote.by !== undefined && objecting.has(vote.by))) allowing.set(vote.by ?? `#${index}`, vote);
  }
  const people = [...allowing.values()];
  if (people.length >= needed) {
    const scope = scopes.find((each) => people.some((vote) => vote.scope === each)) ?? "once";
    const by = people.flatMap((vote) => vote.by ?? []).join(", ");
    return { allowed: true, scope, reason: reasonsOf(people), ...(by === "" ? {} : { by }) };
  }
  const pending = votes.filter((vote) => vote === "pending").length;
  if (people.length + pending >= needed) return undefined;
  const against = given.filter(({ allowed }) => !allowed);
  const by = against.flatMap((vote) => vote.by ?? []).join(", ");
  const said = reasonsOf(against);
  const reason = `${people.length} of ${needed} allowed it${said === "" ? "" : `: ${said}`}`;
  return { ...NO, reason, ...(by === "" ? {} : { by }) };
}

function reasonsOf(votes: readonly Approval[]): string {
  return votes.flatMap(({ reason }) => (reason === "" ? [] : [reason])).join("; ");
}

/** Asks them, and looks at what there is after each answer until `settle` has one. */
function askAll(
  approvers: readonly Approver[],
  request: ApprovalRequest,
  context: ApprovalContext,
  settle: (votes: readonly Vote[]) => Approval | undefined,
): Promise<ApprovalAnswer> {
  const others = new AbortController();
  const signal = AbortSignal.any([context.signal, others.signal]);
  const { id, sandbox, timeoutMs, expiresAt, scopes } = context;
  const inner: ApprovalContext = {
    ...{ id, sandbox, timeoutMs, expiresAt, scopes, signal },
    refused: (answer) => context.refused(answer),
  };
  const votes: Vote[] = approvers.map(() => "pending");
  return new Promise((resolve) => {
    let open = true;
    const count = (index: number, vote: Vote): void => {
      votes[index] = vote;
      const settled = open ? settle(votes) : undefined;
      if (settled === undefined) return;
      open = false;
      resolve(answerOf(settled));
      others.abort(new Error("it was answered"));
    };
    for (const [index, approve] of approvers.entries()) {
      void (async () => approve(request, inner))().then(
        (answer) => count(index, readApproval(answer, scopes) ?? "none"),
        () => count(index, "none"),
      );
    }
  });
}

function answerOf({ allowed, scope, reason, by }: Approval): ApprovalAnswer {
  return {
    verdict: allowed ? "allow" : "deny",
    scope,
    ...(reason === "" ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
  };
}

function check(caller: string, approvers: readonly unknown[]): void {
  const refuse = (why: string) => {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot make ${caller} of these approvers: ${why}`, {
      details: { argument: "approvers" },
      hint: "Give functions, each once",
    });
  };
  if (approvers.length === 0) refuse("there is none");
  if (approvers.some((approve) => typeof approve !== "function")) refuse("one is no function");
  if (new Set(approvers).size < approvers.length) refuse("one is there twice");
}
