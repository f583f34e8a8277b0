/**
 * Responses of hosts as `fetch` knows them, for hooks.
 *
 * @module
 */
import { Readable } from "node:stream";
import type { AnswerDecision, AnswerWatch } from "./connection.ts";
import type { Denial } from "./denial.ts";
import type { UpstreamResponse } from "./exchange.ts";
import { answerOf, lazily } from "./fetch-request.ts";
import { endToEnd } from "./headers.ts";

/** Responses that have no body: Fetch §2.2.3. */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** What hooks leave of a response: itself, unread; another one; or a denial. */
export async function showAnswer(response: UpstreamResponse, watch: AnswerWatch): Promise<UpstreamResponse | Denial> {
  let touched = false;
  const { status, headers, body } = response;
  const make = (): Response => {
    const lines = endToEnd(headers).map(([name, value]): [string, string] => [name, value]);
    const hasBody = !NULL_BODY.has(status);
    const stream = lazily(body.stream, () => {
      touched = true;
    });
    return new Response(hasBody ? stream : null, { status, headers: lines });
  };
  const decision: AnswerDecision = await watch(make);
  if (!decision.allowed) {
    body.stream.destroy();
    return { error: "denied", reason: decision.reason, ruleId: decision.ruleId, judged: true };
  }
  const { answer } = decision;
  if (answer === undefined || (!answer.isChanged && !touched)) return response;
  if (answer.isChanged && !touched) body.stream.destroy();
  const changed = answerOf(answer.response);
  const shown = changed.body ?? { stream: Readable.from([]), trailers: () => [] };
  // The hook may have made its own of it; of what it left nobody reads more.
  shown.stream.once("close", () => body.stream.destroy());
  return { ...changed.head, body: shown };
}
