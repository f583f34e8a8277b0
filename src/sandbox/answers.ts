/**
 * Responses of hosts, shown to hooks.
 *
 * @module
 */
import type { AnswerWatch, HttpQuestion } from "../egress/http/connection.ts";
import { urlOf } from "../egress/http/fetch-request.ts";
import { endToEnd } from "../egress/http/headers.ts";
import {
  type Decided,
  HookedResponse,
  type NetworkConnect,
  type NetworkRequest,
  type PluginRegistry,
} from "../hooks/mod.ts";

/** What showing the response to a request takes. */
export interface AnswersSetting {
  readonly registry: PluginRegistry;
  readonly connect: NetworkConnect;
  readonly about: NetworkRequest;
  readonly question: HttpQuestion;
  readonly record: (decided: Decided) => void;
}

/** Makes what shows it. */
export function answerWatch({ registry, connect, about, question, record }: AnswersSetting): AnswerWatch {
  return async (make) => {
    const makeRequest = () => requestOf(question);
    const hooked = new HookedResponse({ connect, about, make, makeRequest });
    const decided = await registry.decideResponse(hooked, { signal: question.signal });
    record(decided);
    const { verdict, reason } = decided;
    const ruleId = about.ruleId === undefined ? {} : { ruleId: about.ruleId };
    if (verdict === "deny") return { allowed: false, reason, ...ruleId };
    const { current, isChanged } = hooked;
    return { allowed: true, ...(current === undefined ? {} : { answer: { response: current, isChanged } }) };
  };
}

/** The request that was sent, without its body. */
function requestOf({ facts, headers, origin }: HttpQuestion): Request {
  const lines = endToEnd(headers, ["host", "content-length"]).map(([name, value]): [string, string] => [name, value]);
  return new Request(urlOf(origin, facts.target), { method: facts.method, headers: lines });
}
