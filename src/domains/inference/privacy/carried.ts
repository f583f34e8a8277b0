/**
 * What one call carries that rules are about, and where it may go therefore.
 *
 * @module
 */
import type { Target } from "../plan.ts";
import { CallFailure } from "../router/errors.ts";
import type { JsonObject } from "../router/json.ts";
import type { PrivacyGuard, PrivacyMatch, PrivacyRule } from "./guard.ts";

/** What a rule found, as it is recorded. */
export interface PrivacyFact {
  readonly rule: string;
  readonly action: PrivacyRule["action"];
  /** In how many places. */
  readonly count: number;
}

/** A call, once it was looked at. */
export class Carried {
  readonly #guard: PrivacyGuard;
  readonly #matches: readonly PrivacyMatch[];

  private constructor(guard: PrivacyGuard, matches: readonly PrivacyMatch[]) {
    this.#guard = guard;
    this.#matches = matches;
  }

  /** Looks at a call. @throws {CallFailure} If it cannot be told what it carries. */
  static async of(guard: PrivacyGuard, body: JsonObject): Promise<Carried> {
    return new Carried(guard, await guard.matches(body));
  }

  get facts(): readonly PrivacyFact[] {
    return this.#matches.map(({ rule: { id, action }, count }) => ({ rule: id, action, count }));
  }

  /** The rules that want somebody to be asked before the call goes to the first that may have it. @throws {CallFailure} If nobody may. */
  asks(targets: readonly Target[]): readonly PrivacyRule[] {
    const [first] = this.#allowed(targets);
    return first === undefined ? [] : this.#rules(first, "ask");
  }

  /** Where it goes; `approved`: the rules that somebody has said yes to. @throws {CallFailure} If it may go nowhere. */
  targets(targets: readonly Target[], approved: readonly string[]): readonly Target[] {
    const open = this.#allowed(targets).filter((target) =>
      this.#rules(target, "ask").every(({ id }) => approved.includes(id)),
    );
    if (open.length === 0 && targets.length > 0) {
      throw new CallFailure("denied", "The call carries what somebody has to be asked about, and nobody was");
    }
    const routed = open.map((target) => this.#rules(target, "route")[0]?.target ?? target);
    return [...new Set(routed)];
  }

  /** The call as a target may have it. @throws {CallFailure} If it cannot be without what is to be left out. */
  bodyFor(target: Target, body: JsonObject): Promise<JsonObject> {
    const rules = this.#rules(target, "redact");
    return rules.length === 0 ? Promise.resolve(body) : this.#guard.redacted(body, rules);
  }

  #allowed(targets: readonly Target[]): readonly Target[] {
    const allowed = targets.filter((target) => this.#rules(target, "deny").length === 0);
    if (allowed.length > 0 || targets.length === 0) return allowed;
    const rules = targets.flatMap((target) => this.#rules(target, "deny").map(({ id }) => id));
    throw new CallFailure("denied", `The call carries what the rule ${[...new Set(rules)].join(", ")} keeps here`);
  }

  /** What stays on this machine is nobody's concern, unless a rule says so. */
  #rules({ provider }: Target, action: PrivacyRule["action"]): readonly PrivacyRule[] {
    return this.#matches.flatMap(({ rule }) =>
      rule.action === action && (!provider.local || rule.local === true) ? [rule] : [],
    );
  }
}
