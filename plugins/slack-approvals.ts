/**
 * Asks in a channel of Slack what the policy asks about: a message with buttons.
 *
 * @module
 */
import {
  type ApprovalAnswer,
  type ApprovalBroker,
  createApprovalBroker,
  definePlugin,
  type Plugin,
  SandboxError,
  type SecretSource,
} from "../src/mod.ts";
import { readInteraction } from "./slack-approvals/interaction.ts";
import { messageOf } from "./slack-approvals/message.ts";

/** The options of `slackApprovals`. */
export interface SlackApprovalsOptions {
  /** Gives the address of an incoming webhook, which is a secret itself. */
  readonly webhook: SecretSource;
  /** Gives the app's signing secret. */
  readonly signingSecret: SecretSource;
  /** The ids of the users whose answers count, such as `U012AB3CD`. Others are refused. */
  readonly approvers: readonly string[];
  /** Gets what takes interactions: mount it at the app's request URL. */
  readonly mount: (handler: (request: Request) => Promise<Response>) => void;
  /** How long Slack may take to take a message, in milliseconds. @default 10000 */
  readonly deliverTimeoutMs?: number;
}

/**
 * Makes the plugin: who answered is recorded as `slack:` and the user's id.
 *
 * @throws {TypeError} If nobody may answer.
 * @see {@link https://docs.slack.dev/authentication/verifying-requests-from-slack | Verifying requests from Slack}
 */
export const slackApprovals: (options: SlackApprovalsOptions) => Plugin = definePlugin(
  (options: SlackApprovalsOptions): Plugin => {
    const { webhook, signingSecret, approvers, mount, deliverTimeoutMs = 10_000 } = options;
    if (approvers.length === 0) throw new TypeError("Name the users whose answers count: approvers");
    const broker = createApprovalBroker();
    const seen = new Map<string, number>();
    mount(async (request) => {
      const interaction = await readInteraction(request, await signingSecret());
      if (interaction === "forged") {
        broker.refuse({ id: "", why: "forged" });
        return new Response("the signature does not hold\n", { status: 401 });
      }
      if (interaction === undefined) return new Response("it is no answer\n", { status: 400 });
      const { question, user, signature, answer } = interaction;
      if (isSeen(seen, signature)) return refused(broker, question, "replayed", user, 409);
      if (!approvers.includes(user)) return refused(broker, question, "forged", user, 200);
      return take(broker, question, { ...answer, by: `slack:${user}` });
    });
    return {
      name: "slack-approvals",
      approve: async (request, context) => {
        const failed = new AbortController();
        const { id, sandbox, timeoutMs, expiresAt, scopes } = context;
        const signal = AbortSignal.any([context.signal, failed.signal]);
        const inner = { id, sandbox, timeoutMs, expiresAt, scopes, signal };
        const answer = broker.approve(request, { ...inner, refused: (each) => context.refused(each) });
        const question = broker.list().find((each) => each.id === id);
        try {
          if (question !== undefined) await post(await webhook(), messageOf(question), signal, deliverTimeoutMs);
        } catch (error) {
          failed.abort(error);
          throw error;
        }
        return await answer;
      },
    };
  },
);

async function post(url: string, message: object, signal: AbortSignal, timeoutMs: number): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify(message),
    headers: { "content-type": "application/json" },
    redirect: "manual",
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    // Its error would name the address.
  }).catch((error: Error) => {
    throw new Error(`Slack cannot be reached (${error.name})`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`Slack answered ${response.status}`);
}

function take(broker: ApprovalBroker, question: string, answer: ApprovalAnswer): Response {
  try {
    broker.answer(question, answer);
    return new Response(null, { status: 200 });
  } catch (error) {
    if (!SandboxError.is(error, "APPROVAL_REFUSED")) throw error;
    return new Response(`${error.message}\n`, { status: 200 });
  }
}

function refused(
  broker: ApprovalBroker,
  id: string,
  why: "replayed" | "forged",
  user: string,
  status: number,
): Response {
  broker.refuse({ id, why, by: `slack:${user}` });
  return new Response("your answer does not count\n", { status });
}

/** Signatures hold for five minutes to either side. */
function isSeen(seen: Map<string, number>, signature: string, now: number = Date.now()): boolean {
  for (const [oldest, until] of seen) {
    if (until > now && seen.size < 10_000) break;
    seen.delete(oldest);
  }
  if (seen.has(signature)) return true;
  seen.set(signature, now + 600_000);
  return false;
}
