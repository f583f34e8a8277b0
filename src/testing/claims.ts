/**
 * What a test can claim about a sandbox: each claim is one function, which assertions and matchers share.
 *
 * @module
 */
import { checkFilter, type DecisionFilter, matchesCommand, type StartFilter, select } from "./filter.ts";
import { blindSpot, commandsOf, type DecisionSource, decisionsOf, sandboxOf } from "./recorded.ts";
import { decisionLine, explain, filterText } from "./words.ts";

/** Whether a claim holds, and what to say if that is not what was expected. */
export interface Claim {
  readonly holds: boolean;
  /** Why it can be seen only where it holds; then its contrary cannot be claimed either. */
  readonly blind: string | undefined;
  message(): string;
}

/** That something was denied, or allowed. */
export function decidedClaim(source: DecisionSource, filter: DecisionFilter, verdict: "allow" | "deny"): Claim {
  checkFilter(filter);
  const decisions = decisionsOf(source);
  const found = select(decisions, filter, verdict);
  const done = verdict === "deny" ? "denied" : "allowed";
  return claim(source, found.map(decisionLine), `have ${done} ${filterText(filter)}`, {
    blind: blindSpot(source, filter, verdict),
    missed: (sentence) => explain(sentence, decisions, filter),
  });
}

/** That a program was started: by the host, or by another program where starts are recorded. */
export function startedClaim(source: DecisionSource, filter: StartFilter): Claim {
  checkFilter(filter);
  const decisions = decisionsOf(source);
  const commands = commandsOf(source).filter((argv) => matchesCommand(filter, argv));
  const found = [
    ...commands.map((argv) => `started by the host: ${JSON.stringify(argv)}`),
    ...select(decisions, { ...filter, operation: "start" }, "allow").map(decisionLine),
  ];
  return claim(source, found, `have started ${filterText(filter)}`, {
    blind: blindSpot(source, filter, "allow"),
    missed: (sentence) => {
      const others = commandsOf(source).map((argv) => `  started by the host: ${JSON.stringify(argv)}`);
      return [explain(sentence, decisions, filter), ...others.slice(-OTHERS_MAX)].join("\n");
    },
  });
}

const OTHERS_MAX = 5;

interface Telling {
  readonly blind: string | undefined;
  missed(sentence: string): string;
}

function claim(source: DecisionSource, found: readonly string[], what: string, { blind, missed }: Telling): Claim {
  const { id } = sandboxOf(source);
  return {
    holds: found.length > 0,
    blind: found.length > 0 ? undefined : blind,
    message: () => {
      if (found.length > 0)
        return `Expected sandbox ${id} not to ${what}, but:\n  ${found.slice(0, OTHERS_MAX).join("\n  ")}`;
      const sentence = `Expected sandbox ${id} to ${what}`;
      return blind === undefined ? missed(sentence) : `${missed(sentence)}\nIt may have, unseen: ${blind}`;
    },
  };
}
