/**
 * Asks a server of yours, over signed webhooks, what the policy asks about.
 *
 * @module
 */
import { definePlugin, type Plugin, type WebhookApproverOptions, webhookApprover } from "../src/mod.ts";

/** The options of `webhookApprovals`. */
export interface WebhookApprovalsOptions extends WebhookApproverOptions {
  /** Gets what takes answers that come later: mount it in a server. Without it, answers come in responses only. */
  readonly mount?: (handler: (request: Request) => Promise<Response>) => void;
  /** The name of the plugin, where there are several. @default "webhook-approvals" */
  readonly name?: string;
}

/**
 * Makes the plugin.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If the URL is neither `https:` nor on this machine.
 */
export const webhookApprovals: (options: WebhookApprovalsOptions) => Plugin = definePlugin(
  ({ mount, name = "webhook-approvals", ...options }: WebhookApprovalsOptions): Plugin => {
    const { approve, handler } = webhookApprover(options);
    mount?.(handler);
    return { name, approve };
  },
);
