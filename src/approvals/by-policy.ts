/**
 * An approver that has its answers in writing: a policy that somebody reviewed.
 *
 * @module
 */
import type { ApprovalAnswer, ApprovalRequest, Approver } from "../hooks/approval-types.ts";
import { explain } from "../policy/explain/explain.ts";
import type { PolicyRequest } from "../policy/explain/types.ts";
import { parsePolicy } from "../policy/parse.ts";
import type { Policy } from "../policy/types.ts";

/**
 * Makes an approver that answers what a rule of `policy` answers, and nothing else: put it before one that asks people. It has no
 * answer to what a hook asks, to messages, responses and calls to models; and no yes to what is asked for at `cofferdam.local`, which is
 * for every program, or to a whole connection to a host whose requests it judges.
 *
 * A rule of the policy in force that asks is answered by a rule here that allows: so a reviewed file of rules for always
 * (`approvals.patch`) counts in the next sandbox without anybody being asked again.
 *
 * @throws {SandboxError} POLICY_INVALID If the policy is malformed.
 *
 * @example
 * ```ts
 * import { approveByPolicy, firstAnswer, terminalApprover } from "cofferdam";
 *
 * const reviewed = approveByPolicy({ version: 1, filesystem: { read: ["./CHANGELOG.md"] } });
 * export const approve = firstAnswer(reviewed, terminalApprover());
 * ```
 */
export function approveByPolicy(policy: Policy | string): Approver {
  const parsed = parsePolicy(policy);
  const by = `policy ${parsed.name ?? "without a name"}`;
  return async (request) => {
    const answers = await Promise.all(questionsOf(request).map((question) => explain(parsed, question)));
    const rules = answers.filter(({ decidedBy }) => decidedBy === "rule");
    const denial = rules.find(({ verdict }) => verdict === "deny");
    const isAllowed =
      !isForAll(request) &&
      answers.length > 0 &&
      // Of a whole connection a rule about requests says nothing: nobody would hold those to it.
      answers.every(({ verdict, decidedBy, inspects }) => {
        return verdict === "allow" && decidedBy === "rule" && !(inspects && isConnection(request));
      });
    const rule = denial ?? (isAllowed ? rules[0] : undefined);
    if (rule === undefined) return undefined;
    const { verdict, reason } = rule;
    return { verdict: verdict === "deny" ? "deny" : "allow", by, reason } satisfies ApprovalAnswer;
  };
}

/** What is asked for at `cofferdam.local` is for every program: more than a rule may say. */
function isForAll(request: ApprovalRequest): boolean {
  return request.domain === "network" && request.requested !== undefined;
}

function isConnection(request: ApprovalRequest): boolean {
  return request.domain === "network" && request.request === undefined;
}

/** All of which a policy must allow. */
function questionsOf(request: ApprovalRequest): readonly PolicyRequest[] {
  // Whoever wants to know whether something is large or strange is not answered by a path.
  if (request.askedBy.kind === "plugin") return [];
  switch (request.domain) {
    case "filesystem": {
      const { operation, path, target } = request.access;
      const source = { domain: "filesystem", operation, path } as const;
      return target === undefined ? [source] : [source, { domain: "filesystem", operation: "create", path: target }];
    }
    case "process": {
      const { argv, path, script, sha256 } = request.start;
      if (script !== undefined) return [];
      return [{ domain: "process", argv, path, ...(sha256 === undefined ? {} : { sha256 }) }];
    }
    case "network": {
      const { connect, request: http, message, response } = request;
      if (message !== undefined || response) return [];
      const { host, port } = connect;
      const binary = connect.binary === "" ? {} : { binary: connect.binary };
      if (http === undefined) return [{ domain: "network", host, port, ...binary }];
      const url = http.websocket ? http.url.replace(/^http/, "ws") : http.url;
      return [{ domain: "network", operation: "request", method: http.method, url, ...binary }];
    }
    default:
      return [];
  }
}
