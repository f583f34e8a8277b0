/**
 * What a call carries that rules of privacy are about.
 *
 * @module
 */
import type { NormalizedPrivacyRule } from "../../../policy/core.ts";
import type { Target } from "../plan.ts";
import { CallFailure } from "../router/errors.ts";
import type { JsonObject } from "../router/json.ts";
import type { Fingerprints } from "./fingerprints.ts";
import { cover, type FindSpans, type Span } from "./spans.ts";
import { mapTexts } from "./texts.ts";

/** A rule as it is enforced. */
export interface PrivacyRule extends Pick<NormalizedPrivacyRule, "id" | "action" | "local" | "sensitive"> {
  /** What it looks for beside files. */
  readonly finders: readonly FindSpans[];
  /** Where calls go instead. */
  readonly target?: Target;
}

/** A rule that a call matches, and how often. */
export interface PrivacyMatch {
  readonly rule: PrivacyRule;
  readonly count: number;
}

/** Looks at calls. */
export class PrivacyGuard {
  readonly #rules: readonly PrivacyRule[];
  readonly #fingerprints: Fingerprints;

  constructor(rules: readonly PrivacyRule[], fingerprints: Fingerprints) {
    this.#rules = rules;
    this.#fingerprints = fingerprints;
  }

  /** The rules that a call matches. @throws {CallFailure} If that cannot be told. */
  async matches(body: JsonObject): Promise<readonly PrivacyMatch[]> {
    if (this.#rules.length === 0) return [];
    const counts = new Map<PrivacyRule, number>();
    await mapTexts(body, async (text) => {
      for (const rule of this.#rules) {
        const spans = await this.#find(rule, text);
        if (spans.length > 0) counts.set(rule, (counts.get(rule) ?? 0) + spans.length);
      }
      return text;
    });
    return [...counts].map(([rule, count]) => ({ rule, count }));
  }

  /** The call without what the rules are about. @throws {CallFailure} If it cannot be without. */
  async redacted(body: JsonObject, rules: readonly PrivacyRule[]): Promise<JsonObject> {
    return mapTexts(body, async (text) => {
      let left = text;
      for (const rule of rules) {
        const spans = await this.#find(rule, left);
        if (spans.length > 0) left = cover(left, spans, `[redacted: ${rule.id}]`);
      }
      return left;
    });
  }

  async #find({ id, finders, sensitive }: PrivacyRule, text: string): Promise<readonly Span[]> {
    const spans: Span[] = [];
    try {
      for (const find of finders) for (const span of await find(text)) spans.push(span);
    } catch {
      throw new CallFailure("denied", `A function of the rule ${id} failed, so nobody knows what the call carries`);
    }
    const mask = sensitive === undefined ? 0 : (this.#fingerprints.bitOf(sensitive) ?? 0);
    return mask === 0 ? spans : spans.concat(await this.#fingerprints.find(text, mask));
  }
}
