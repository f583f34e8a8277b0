/**
 * The guards of the plans of one sandbox.
 *
 * @module
 */
import type { InferencePlan } from "../plan.ts";
import { compilePrivacy } from "./compile.ts";
import { Fingerprints } from "./fingerprints.ts";
import { PrivacyGuard } from "./guard.ts";
import type { PatternTable } from "./own.ts";

/** What guards are made of. */
export interface GuardParts {
  /** Functions that policies name. */
  readonly patterns?: PatternTable | undefined;
  /** What files said that were opened. Absent: none were. */
  readonly fingerprints?: (() => Fingerprints) | undefined;
}

/** Makes them, each once. */
export class Guards {
  readonly #parts: GuardParts;
  readonly #made = new WeakMap<InferencePlan, Promise<PrivacyGuard>>();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** Undefined: the plan has no such rules. */
  of(plan: InferencePlan): Promise<PrivacyGuard> | undefined {
    if (plan.kind === "none" || plan.privacy.length === 0) return undefined;
    const known = this.#made.get(plan);
    if (known !== undefined) return known;
    const { patterns = {}, fingerprints } = this.#parts;
    const made = compilePrivacy(plan.privacy, patterns).then(
      (rules) => new PrivacyGuard(rules, fingerprints?.() ?? new Fingerprints()),
    );
    this.#made.set(plan, made);
    return made;
  }
}
