/**
 * Questions to a server of yours, and its answers: in the response, or later.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import type { ApprovalContext, ApprovalRequest, Approver } from "../../hooks/approval-types.ts";
import { type ApprovalBroker, createApprovalBroker } from "../broker.ts";
import type { ApprovalQuestion } from "../question.ts";
import { questionOf } from "../question.ts";
import { ANSWER_BYTES_MAX, readAnswer, readText, type SentAnswer } from "./read-answer.ts";
import { SeenIds } from "./seen.ts";
import { readSecret, type SecretSource, sign, verify } from "./signature.ts";

/** The options of `webhookApprover`. */
export interface WebhookApproverOptions {
  /** Where questions are posted: `https:`, or `http:` for a server on this machine. */
  readonly url: string | URL;
  /** Gives the secret of both ends: `whsec_` and base64, or a text of at least 24 bytes. */
  readonly secret: SecretSource;
  /** How long a server may take to take a question, in milliseconds. Its answer may come later. @default 10000 */
  readonly deliverTimeoutMs?: number;
}

/** An approver behind a webhook. */
export interface WebhookApprover {
  readonly approve: Approver;
  /** Takes answers that come later: mount it in any server that has the Fetch standard's requests. */
  readonly handler: (request: Request) => Promise<Response>;
}

const DELIVER_TIMEOUT_MS = 10_000;
/** Past that, forged answers of one minute are refused without a record. */
const FORGED_PER_MINUTE = 60;

/**
 * Makes an approver that posts each question as signed JSON to a URL, and takes a signed answer.
 *
 * Shape: a POST of `{ type: "approval.requested", question }` with the headers of Standard Webhooks (HMAC-SHA256 over id, time
 * and body). The response may be the answer, `{ type: "approval.answered", question, verdict, scope?, by?, reason? }`, signed the
 * same way; one without a body (202, 204) says that the answer comes later, as a POST to `handler`. A server that cannot be
 * reached, redirects, or answers with anything else is a no. Units: milliseconds.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If the URL is neither `https:` nor on this machine.
 * @see {@link https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md | Standard Webhooks}
 *
 * @example
 * ```ts
 * import { webhookApprover } from "cofferdam";
 *
 * export const { approve, handler } = webhookApprover({
 *   url: "https://approvals.example.com/questions",
 *   secret: () => process.env.APPROVALS_SECRET ?? "",
 * });
 * ```
 */
export function webhookApprover({ url, secret, deliverTimeoutMs }: WebhookApproverOptions): WebhookApprover {
  const sender = new Webhook(readUrl(url), secret, deliverTimeoutMs ?? DELIVER_TIMEOUT_MS);
  return { approve: sender.approve, handler: sender.handler };
}

function readUrl(url: string | URL): URL {
  const read = URL.canParse(String(url)) ? new URL(String(url)) : undefined;
  const isHere = read !== undefined && ["localhost", "127.0.0.1", "[::1]"].includes(read.hostname);
  if (
    read !== undefined &&
    read.username === "" &&
    (read.protocol === "https:" || (isHere && read.protocol === "http:"))
  ) {
    return read;
  }
  throw new SandboxError("ARGUMENT_INVALID", `Cannot post questions to ${JSON.stringify(read?.origin ?? "no URL")}`, {
    details: { argument: "url" },
    hint: "Give an https: URL without a user, or http: on this machine",
  });
}

class Webhook {
  readonly #url: URL;
  readonly #secret: SecretSource;
  readonly #timeoutMs: number;
  readonly #broker: ApprovalBroker = createApprovalBroker();
  readonly #seen = new SeenIds();
  #minute = 0;
  #forged = 0;

  constructor(url: URL, secret: SecretSource, timeoutMs: number) {
    this.#url = url;
    this.#secret = secret;
    this.#timeoutMs = timeoutMs;
  }

  readonly approve: Approver = async (request: ApprovalRequest, context: ApprovalContext) => {
    const failed = new AbortController();
    const signal = AbortSignal.any([context.signal, failed.signal]);
    const answer = this.#broker.approve(request, withSignal(context, signal));
    try {
      const sent = await this.#post(questionOf(request, context), signal);
      if (sent !== undefined) this.#take(sent);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
    return await answer;
  };

  readonly handler = async (request: Request): Promise<Response> => {
    if (request.method !== "POST") return reply(405, "an answer is a POST", { allow: "POST" });
    const text = await readText(request);
    if (text === undefined) return reply(413, `an answer has at most ${ANSWER_BYTES_MAX} bytes`);
    const id = verify(await readSecret(this.#secret), request.headers, text);
    if (id === undefined) {
      this.#refuseForged(readAnswer(text));
      return reply(401, "the signature does not hold, or is not from just now");
    }
    const sent = readAnswer(text);
    if (sent === undefined) return reply(400, "it is no answer: see the documentation");
    const seen = this.#seen.take(id);
    if (seen === "full") return reply(503, "too many answers came lately");
    if (seen === "seen") {
      this.#broker.refuse({ id: sent.question, why: "replayed", ...byOf(sent) });
      return reply(409, "it was sent before");
    }
    return this.#take(sent) ?? reply(200, "it is taken");
  };

  async #post(question: ApprovalQuestion, signal: AbortSignal): Promise<SentAnswer | undefined> {
    const key = await readSecret(this.#secret);
    const body = JSON.stringify({ type: "approval.requested", question });
    const response = await fetch(this.#url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...sign(key, question.id, body) },
      // Whoever is sent elsewhere is not whom the owner meant.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
    });
    const text = await readText(response);
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
    if (text === "") return undefined;
    const sent = text === undefined ? undefined : readAnswer(text);
    const id = text === undefined ? undefined : verify(key, response.headers, text);
    if (sent !== undefined && id !== undefined && sent.question === question.id && this.#seen.take(id) === "new")
      return sent;
    this.#broker.refuse({ id: question.id, why: "forged" });
    throw new Error("the webhook answered with what is no signed answer to the question");
  }

  #take({ question, answer }: SentAnswer): Response | undefined {
    try {
      this.#broker.answer(question, answer);
      return undefined;
    } catch (error) {
      if (!SandboxError.is(error, "APPROVAL_REFUSED")) throw error;
      return reply(error.details.why === "unknown" ? 404 : 409, error.message);
    }
  }

  #refuseForged(sent: SentAnswer | undefined): void {
    const minute = Math.floor(Date.now() / 60_000);
    if (minute !== this.#minute) this.#forged = 0;
    this.#minute = minute;
    if (++this.#forged <= FORGED_PER_MINUTE) this.#broker.refuse({ id: sent?.question ?? "", why: "forged" });
  }
}

/** The signal of a context is a getter of its class: it does not survive being spread. */
function withSignal(context: ApprovalContext, signal: AbortSignal): ApprovalContext {
  const { id, sandbox, timeoutMs, expiresAt, scopes } = context;
  return { id, sandbox, timeoutMs, expiresAt, scopes, signal, refused: (answer) => context.refused(answer) };
}

function byOf({ answer: { by } }: SentAnswer): { readonly by?: string } {
  return by === undefined ? {} : { by };
}

function reply(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ message }, { status, headers });
}
