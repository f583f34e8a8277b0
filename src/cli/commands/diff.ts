/**
 * `cofferdam policy diff`.
 *
 * @module
 */
import { diffPolicies, displaySafe, loadPolicy, type PolicyChangeEffect, type PolicyDifference } from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { type Look, type Style, styleOf } from "../style.ts";
import { say, sayJson, table } from "../write.ts";

/** See `cofferdam policy diff --help`. */
export interface DiffFlags {
  /** A change that widens is a failure: for pull requests. */
  readonly narrowOnly?: boolean;
  readonly json?: boolean;
}

/** Says what differs between two policies, and what each difference does; the exit code. */
export async function diffPolicyFiles(before: string, after: string, flags: DiffFlags): Promise<number> {
  const diff = diffPolicies(await loadPolicy(before), await loadPolicy(after));
  if (flags.json) sayJson({ before, after, ...diff });
  else if (diff.changes.length === 0) say("Both mean the same.");
  else {
    const style = styleOf(process.stdout);
    for (const line of table(diff.changes.map((change) => row(change, style)))) say(line);
    const live = diff.live ? "a running sandbox can be given the new one" : "the new one needs a new sandbox";
    say(`${style(LOOKS[diff.effect], diff.effect)}: ${live}`);
  }
  return flags.narrowOnly && diff.effect === "widening" ? EXIT.problem : EXIT.ok;
}

const LOOKS: Readonly<Record<PolicyChangeEffect, Look>> = { widening: "red", narrowing: "green", neutral: "dim" };
const SIGNS: Readonly<Record<PolicyDifference["kind"], string>> = { added: "+", removed: "-", changed: "~" };

function row({ effect, kind, path, ruleId, live, because }: PolicyDifference, style: Style): string[] {
  // A derived id begins with the list that the rule stands in.
  const isDerived = ruleId?.startsWith(path.replace(/\[.*$/, "")) === true;
  const what = isDerived ? ruleId : [path, ruleId].filter(Boolean).join(" ");
  return [
    `${SIGNS[kind]} ${style(LOOKS[effect], effect)}`,
    displaySafe(what),
    live ? "live" : "new sandbox",
    style("dim", displaySafe(because)),
  ];
}
