/**
 * What the answers of hooks add up to: deny before ask before allow, whoever spoke first.
 *
 * A denial needs no sum: the first one ends the decision.
 *
 * @module
 */
import type { DecisionMaker, PolicyRuling } from "./decided.ts";
import { MATCH, type Match } from "./filter.ts";
import type { DecideHook } from "./read-hook.ts";
import type { HookVerdict } from "./verdict.ts";

/** A hook, without what it is about. */
export type Speaker = Pick<DecideHook<never>, "plugin" | "hook" | "name" | "timeoutMs">;

/** What a decision comes to. `ask`: the approver decides. */
export interface Conclusion {
  readonly verdict: "allow" | "deny" | "ask";
  readonly by: DecisionMaker;
  readonly reason: string;
  readonly deadlineMs?: number;
}

/** A hook, and why it said what it said. */
interface Voice {
  readonly hook: Speaker;
  readonly reason: string | undefined;
}

/** The policy by itself. */
export const POLICY: DecisionMaker = Object.freeze({ kind: "policy" });

/** A plugin's hook. */
export function makerOf({ plugin, hook }: Speaker): DecisionMaker {
  return { kind: "plugin", name: plugin, hook };
}

/** The answers to one question so far. */
export class Tally {
  readonly #ruling: PolicyRuling;
  #asking: Voice | undefined;
  #allowing: Voice | undefined;
  #giving: (Voice & { readonly content: Uint8Array }) | undefined;
  /** The hook that the rule defers to has answered. */
  #answered = false;

  constructor(ruling: PolicyRuling) {
    this.#ruling = ruling;
  }

  /** What is read in the place of the file: the first that was given. */
  get content(): Uint8Array | undefined {
    return this.#giving?.content;
  }

  /** Takes down an answer. */
  note(hook: Speaker, match: Match, verdict: Exclude<HookVerdict, { readonly verdict: "deny" }>): void {
    const { verdict: policy, defer } = this.#ruling;
    const voice = { hook, reason: verdict.reason };
    const isNamed = defer !== undefined && hook.name === defer;
    if (verdict.verdict === "ask") {
      this.#asking ??= voice;
      this.#answered ||= isNamed;
      return;
    }
    if (verdict.verdict === "substitute") {
      this.#giving ??= { ...voice, content: verdict.content };
      // It says what is read, not that it may be; but whom the rule leaves the answer to has said both.
      if (!isNamed) return;
    }
    const counts = defer === undefined ? policy !== "allow" && match === MATCH.FULLY : isNamed && match >= MATCH.SCRIPT;
    if (!counts) return;
    this.#allowing ??= voice;
    this.#answered ||= isNamed;
  }

  /** Why no hook needs to be asked. */
  deferredToNobody(hooks: readonly Speaker[]): Conclusion | undefined {
    const { defer } = this.#ruling;
    if (defer === undefined || hooks.some(({ name }) => name === defer)) return undefined;
    return { verdict: "deny", by: POLICY, reason: this.#rule(`defers to the hook "${defer}", which does not exist`) };
  }

  /** All have spoken, and none denied. */
  conclude(): Conclusion {
    const { verdict: policy, defer, ruleId } = this.#ruling;
    if (defer !== undefined && !this.#answered) {
      return { verdict: "deny", by: POLICY, reason: this.#rule(`defers to the hook "${defer}", which gave no answer`) };
    }
    if (this.#asking !== undefined) return spoken("ask", this.#asking, "wants it approved");
    if (this.#allowing !== undefined) return this.#told(spoken("allow", this.#allowing, "allows it"));
    if (policy !== "allow") {
      const reason = ruleId === undefined ? "no rule of the policy allows it" : this.#rule("asks");
      return { verdict: "ask", by: POLICY, reason };
    }
    if (this.#giving !== undefined) return spoken("allow", this.#giving, GAVE);
    return {
      verdict: "allow",
      by: POLICY,
      reason: ruleId === undefined ? "nothing denies it" : this.#rule("allows it"),
    };
  }

  /** The approver said yes. */
  approved(by: DecisionMaker, reason: string, deadlineMs: number): Conclusion {
    return this.#told({ verdict: "allow", by, reason: reason || "it was approved", deadlineMs });
  }

  /** Whoever allowed it, the reason says who changed what is read. */
  #told(conclusion: Conclusion): Conclusion {
    const giver = this.#giving?.hook.plugin;
    if (giver === undefined || (conclusion.by.kind === "plugin" && conclusion.by.name === giver)) return conclusion;
    return { ...conclusion, reason: `${conclusion.reason}; plugin "${giver}" ${GAVE}` };
  }

  #rule(says: string): string {
    const { ruleId } = this.#ruling;
    return ruleId === undefined ? `the policy ${says}` : `rule ${ruleId} ${says}`;
  }
}

const GAVE = "gave other content";

function spoken(verdict: "allow" | "ask", { hook, reason }: Voice, otherwise: string): Conclusion {
  const words = reason || `plugin "${hook.plugin}" ${otherwise}`;
  return { verdict, by: makerOf(hook), reason: words, deadlineMs: hook.timeoutMs };
}
