/**
 * What the rules of a policy say to one HTTP request.
 *
 * The rules given here are those that match the connection (host, port, program). The rest is decided here, for each
 * request anew.
 *
 * @module
 */
import { compileGlob, type GlobMatcher } from "../glob.ts";
import type { HttpAccess, HttpRule, HttpRules, RuleEnforcement, Unmatched, Verdict } from "../types.ts";
import { ACCESS_RULES } from "./access.ts";
import { compileQuery, matchesEvery, matchesSome, type QueryMatcher } from "./query.ts";
import type { RequestTarget } from "./target.ts";

/** A request, as far as rules look at it. */
export interface HttpFacts {
  readonly method: string;
  /** What headers ask the server to take the method for. */
  readonly override?: string;
  readonly target: RequestTarget;
  /** Whether it asks to become a WebSocket. */
  readonly websocket: boolean;
}

/** A rule that matches the connection. */
export interface RequestRule {
  /** What it says. A rule that defers to a hook says `ask`. */
  readonly verdict: Verdict;
  readonly ruleId: string;
  readonly defer?: string;
  /** Which requests it is about. Absent: everything on the connection. */
  readonly http?: HttpAccess | HttpRules;
  /** `audit`: what `http` does not cover passes, and is recorded. */
  readonly enforcement?: RuleEnforcement;
}

/** What becomes of a request. */
export interface HttpRuling {
  readonly verdict: Verdict;
  /** Absent: no rule matched. */
  readonly ruleId?: string;
  /** The hook that decides, where the verdict is `ask`. */
  readonly defer?: string;
  /** It would be denied, and passes because the rule only audits. */
  readonly audited?: true;
}

/**
 * What the rules say. A request counts as what servers may take it for: each reading of its path, and each method that it
 * asks for. Of these the strictest verdict holds.
 */
export function evaluateHttp(rules: readonly RequestRule[], unmatched: Unmatched, facts: HttpFacts): HttpRuling {
  const methods = [facts.method, ...(facts.override === undefined ? [] : [facts.override])];
  const rulings = facts.target.readings.flatMap((path) => {
    return methods.map((method) => evaluateReading(rules, unmatched, { ...facts, method, path }));
  });
  const of = (verdict: Verdict) => rulings.find((ruling) => ruling.verdict === verdict);
  return of("deny") ?? of("ask") ?? rulings.find(({ audited }) => audited) ?? rulings[0] ?? { verdict: "deny" };
}

interface Reading extends Omit<HttpFacts, "override"> {
  readonly path: string;
}

function evaluateReading(rules: readonly RequestRule[], unmatched: Unmatched, reading: Reading): HttpRuling {
  const meant = ({ verdict, http }: RequestRule): boolean => {
    if (http === undefined) return true;
    return verdict === "deny"
      ? compiled(http, "both").some((rule) => isDenied(rule, reading))
      : compiled(http, false).some((rule) => isMeant(rule, reading));
  };
  for (const verdict of ["deny", "ask", "allow"] as const) {
    const found = rules.find((rule) => rule.verdict === verdict && meant(rule));
    if (found === undefined) continue;
    return { verdict, ruleId: found.ruleId, ...(found.defer === undefined ? {} : { defer: found.defer }) };
  }
  const auditing = rules.find(({ enforcement }) => enforcement === "audit");
  if (auditing !== undefined) return { verdict: "allow", ruleId: auditing.ruleId, audited: true };
  return { verdict: unmatched };
}

interface CompiledRule {
  readonly methods: ReadonlySet<string> | undefined;
  readonly paths: readonly GlobMatcher[] | undefined;
  readonly query: QueryMatcher | undefined;
  /** Whether it is about WebSockets, about everything else, or about both. */
  readonly websocket: boolean | "both";
}

function isMeant(rule: CompiledRule, reading: Reading): boolean {
  return matchesTarget(rule, reading) && (rule.query === undefined || matchesEvery(rule.query, reading.target.query));
}

function isDenied(rule: CompiledRule, reading: Reading): boolean {
  return matchesTarget(rule, reading) && (rule.query === undefined || matchesSome(rule.query, reading.target.query));
}

function matchesTarget(rule: CompiledRule, { method, path, websocket }: Reading): boolean {
  if (rule.websocket !== "both" && rule.websocket !== websocket) return false;
  return (rule.methods?.has(method) ?? true) && (rule.paths?.some((matches) => matches(path)) ?? true);
}

/** A rule is asked again and again, and never changes. */
const known = new WeakMap<HttpAccess | HttpRules, readonly CompiledRule[]>();

/** `otherwise`: which requests a rule is about that does not speak of WebSockets. A denial is about all. */
function compiled(http: HttpAccess | HttpRules, otherwise: CompiledRule["websocket"]): readonly CompiledRule[] {
  const found = known.get(http);
  if (found !== undefined) return found;
  const made =
    "access" in http
      ? ACCESS_RULES[http.access].map((rule) => compileRule(rule, http.access === "full" ? "both" : false))
      : http.rules.map((rule) => compileRule(rule, rule.websocket ?? otherwise));
  known.set(http, made);
  return made;
}

/** HEAD is a GET without its body, so whoever may (or may not) do one may (or may not) do the other. */
function compileRule({ methods, paths, query }: HttpRule, websocket: CompiledRule["websocket"]): CompiledRule {
  return {
    methods: methods && new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : [])]),
    paths: paths?.map((glob) => compileGlob(glob)),
    query: query && compileQuery(query),
    websocket,
  };
}
