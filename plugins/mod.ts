/**
 * The plugins that come with Cofferdam. Each is made as an outside author would make it.
 *
 * @module
 */
export { type GitGuardOptions, gitGuard, type RefUpdate } from "./git-guard.ts";
export { type OcsfAuditOptions, ocsfAudit } from "./ocsf-audit.ts";
export { type OtelOptions, otel } from "./otel.ts";
export { type PackageGuardOptions, packageGuard } from "./package-guard.ts";
export { type Rate, type RateLimitOptions, rateLimit } from "./rate-limit.ts";
export { type RedactPathsOptions, redactPaths, redactSettings } from "./redact-paths.ts";
export { type SecretScrubberOptions, secretScrubber } from "./secret-scrubber.ts";
export { type SlackApprovalsOptions, slackApprovals } from "./slack-approvals.ts";
export { type SpendBudgetOptions, SpendLedger, spendBudget } from "./spend-budget.ts";
export { type WebhookApprovalsOptions, webhookApprovals } from "./webhook-approvals.ts";
