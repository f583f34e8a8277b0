/**
 * A question as it leaves this process, for a socket, a web page or a chat: plain data.
 *
 * @module
 */
import type { ApprovalContext, ApprovalRequest, ApprovalScope } from "../hooks/approval-types.ts";
import type { Policy } from "../policy/types.ts";
import { type ApprovalDescription, describeRequest } from "./describe.ts";
import { suggestRule } from "./suggest.ts";

/** A question, as JSON can hold it. Texts come from the sandbox: escape them for where they are shown. */
export interface ApprovalQuestion extends ApprovalDescription {
  readonly id: string;
  readonly sandbox: string;
  readonly domain: ApprovalRequest["domain"];
  /** The rule that would allow it, where there is one. */
  readonly suggestion?: Policy;
  /** What may be answered, the narrowest first. */
  readonly scopes: readonly ApprovalScope[];
  /** ISO 8601. After `expiresAt` the answer is no. */
  readonly askedAt: string;
  readonly expiresAt: string;
}

/** Makes it. */
export function questionOf(request: ApprovalRequest, context: ApprovalContext): ApprovalQuestion {
  const { id, sandbox, scopes, expiresAt } = context;
  const suggestion = suggestRule(request, "allow");
  return {
    ...{ id, sandbox, domain: request.domain },
    ...describeRequest(request),
    ...(suggestion === undefined ? {} : { suggestion }),
    ...{ scopes, askedAt: new Date().toISOString(), expiresAt },
  };
}
