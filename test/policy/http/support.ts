import { expect } from "vitest";
import {
  contentNeeds,
  evaluateHttp,
  type HttpFacts,
  type HttpRuling,
  type Message,
  type RequestRule,
  readContent,
  readTarget,
} from "../../../src/policy/http/mod.ts";
import type { HttpRule, NetworkSection, Verdict } from "../../../src/policy/mod.ts";
import { normalized } from "../helpers.ts";

/** The rules of a network section, all of them being about the connection. */
function rulesOf(section: NetworkSection) {
  const { network } = normalized({ network: section });
  const rules = (["allow", "deny", "ask"] as const).flatMap((list) => {
    return network[list].map(({ id, ...rest }): RequestRule => {
      const verdict: Verdict = "defer" in rest && rest.defer !== undefined ? "ask" : list;
      return { ...rest, ruleId: id, verdict };
    });
  });
  return { rules, unmatched: network.unmatched };
}

/** What a network section says about requests. */
export function judgeOf(section: NetworkSection): (facts: HttpFacts) => HttpRuling {
  const { rules, unmatched } = rulesOf(section);
  return (facts) => evaluateHttp(rules, unmatched, facts);
}

/** A request that says something. */
export interface Sent {
  readonly method?: string;
  readonly target?: string;
  readonly type?: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** What is no text and no bytes is sent as JSON. */
  readonly body?: unknown;
  readonly override?: string;
}

function factsOf({ method = "POST", target: raw = "/", override }: Sent): HttpFacts {
  const target = readTarget(raw);
  if ("problem" in target) return expect.unreachable(target.problem);
  return { method, target, websocket: false, ...(override === undefined ? {} : { override }) };
}

/** What a network section says about a request and its content, read only if a rule needs that. */
export async function judgeSent(section: NetworkSection, sent: Sent): Promise<HttpRuling & { readonly read: boolean }> {
  const { rules, unmatched } = rulesOf(section);
  const facts = factsOf(sent);
  const needs = contentNeeds(rules, facts);
  if (needs === undefined) return { ...evaluateHttp(rules, unmatched, facts), read: false };
  const { type = "application/json", headers = [], body } = sent;
  const bytes =
    body === undefined || body instanceof Uint8Array
      ? body
      : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const content = await readContent(
    {
      method: facts.method,
      overridden: facts.override !== undefined,
      query: facts.target.query,
      headers: bytes === undefined ? headers : [["Content-Type", type], ...headers],
      body: bytes,
    },
    needs,
  );
  return { ...evaluateHttp(rules, unmatched, { ...facts, content }), read: true };
}

/** What a network section says about a message that follows a request. */
export function judgeMessage(section: NetworkSection, message: Message, websocket = false): HttpRuling {
  const { rules, unmatched } = rulesOf(section);
  return evaluateHttp(rules, unmatched, { ...factsOf(websocket ? { method: "GET" } : {}), websocket, message });
}

const host = "a.test";

/** Rules that allow nothing else. */
export const allowing = (...rules: HttpRule[]): NetworkSection => ({ allow: [{ id: "it", host, http: { rules } }] });

/** Rules that deny, where everything else is allowed. */
export const denying = (...rules: HttpRule[]): NetworkSection => ({
  allow: [{ id: "all", host }],
  deny: [{ id: "no", host, http: { rules } }],
});

/** Rules that ask, where everything else is allowed. */
export const asking = (...rules: HttpRule[]): NetworkSection => ({
  allow: [{ id: "all", host, http: { access: "full" } }],
  ask: [{ id: "ask", host, http: { rules } }],
});
