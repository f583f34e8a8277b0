/**
 * Who is asked: approvers, what they answer, and how long it holds.
 *
 * @module
 */
export { type ApproverOutcome, type AskApproverOptions, askApprover } from "./ask-approver.ts";
export { type ApprovalBroker, type BrokerEvent, type BrokerOptions, createApprovalBroker } from "./broker.ts";
export { approveByPolicy } from "./by-policy.ts";
export { type ApprovalDescription, describeRequest } from "./describe.ts";
export type { ApprovalQuestion } from "./question.ts";
export { firstAnswer, quorum } from "./several.ts";
export { suggestRule } from "./suggest.ts";
export { type TerminalApproverOptions, terminalApprover } from "./terminal/terminal.ts";
export type { SecretSource } from "./webhook/signature.ts";
export { type WebhookApprover, type WebhookApproverOptions, webhookApprover } from "./webhook/webhook.ts";
