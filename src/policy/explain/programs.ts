/**
 * Why a program may start, or not.
 *
 * @module
 */
import { evaluateProgram, type ProgramStart } from "../evaluate.ts";
import type { NormalizedPolicy } from "../normalized.ts";
import { type ProgramRule, programTable } from "../tables.ts";
import { PLACES } from "../widenings.ts";
import { answer, stricter, unmatched } from "./answers.ts";
import { absolutePath, explainFile } from "./files.ts";
import type { Answer, Considered, StartRequest } from "./types.ts";

const SEARCH: readonly string[] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Answers: the rules on programs, and those on the file. */
export function explainStart(policy: NormalizedPolicy, request: StartRequest): Answer {
  const { argv, sha256, search = SEARCH } = request;
  const [name = ""] = argv;
  const requested = name.includes("/") ? absolutePath(name) : (request.path ?? `/usr/bin/${name}`);
  const path = request.path === undefined ? requested : absolutePath(request.path);
  const hash = sha256 === undefined ? {} : { sha256: sha256.toLowerCase() };
  const start: ProgramStart = { path, requested: absolutePath(requested), argv, ...hash };
  const table = programTable(policy, PLACES);
  const applies = (rule: ProgramRule): boolean => {
    const alone = { rules: [rule], allowList: true, unmatched: "deny" } as const;
    return evaluateProgram(alone, start, search).ruleId !== undefined;
  };
  const rules = table.rules.flatMap((rule): Considered[] => {
    const { args: _, sha256: __, ...named } = rule;
    if (!applies(named)) return [];
    const { args, ...hashed } = rule;
    const because = applies(rule) ? undefined : applies(hashed) ? ("arguments" as const) : ("sha256" as const);
    const { ruleId, verdict, defer } = rule;
    const why = because === undefined ? {} : { because };
    return [{ ruleId, verdict, ...(defer === undefined ? {} : { defer }), applies: because === undefined, ...why }];
  });
  const nothing = table.allowList
    ? unmatched("process", table.unmatched)
    : {
        section: "process" as const,
        decidedBy: "default" as const,
        reason: "there is no process.allow: whatever may be read may start",
      };
  const started = answer(evaluateProgram(table, start, search), rules, nothing);
  return stricter(started, explainFile(policy, { domain: "filesystem", operation: "start", path }));
}
