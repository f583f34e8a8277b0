import { evaluateHttp, type HttpFacts, type HttpRuling, type RequestRule } from "../../../src/policy/http/mod.ts";
import type { NetworkSection, Verdict } from "../../../src/policy/mod.ts";
import { normalized } from "../helpers.ts";

/** What a network section says about requests, all of its rules being about the connection. */
export function judgeOf(section: NetworkSection): (facts: HttpFacts) => HttpRuling {
  const { network } = normalized({ network: section });
  const rules = (["allow", "deny", "ask"] as const).flatMap((list) => {
    return network[list].map(({ id, ...rest }): RequestRule => {
      const verdict: Verdict = "defer" in rest && rest.defer !== undefined ? "ask" : list;
      return { ...rest, ruleId: id, verdict };
    });
  });
  return (facts) => evaluateHttp(rules, network.unmatched, facts);
}
