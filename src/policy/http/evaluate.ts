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
import type { Content, ContentNeeds } from "./content.ts";
import { compileGrpc, type GrpcMatcher } from "./grpc.ts";
import { compileQuery, matchesEvery, matchesSome, type QueryMatcher } from "./query.ts";
import {
  type CompiledContent,
  compileContent,
  isAllowed,
  isLater,
  isRestricted,
  type Message,
  type Said,
  saidIn,
} from "./says.ts";
import type { RequestTarget } from "./target.ts";

/** A request, as far as rules look at it. */
export interface HttpFacts {
  readonly method: string;
  /** What headers ask the server to take the method for. */
  readonly override?: string;
  readonly target: RequestTarget;
  /** Whether it asks to become a WebSocket. */
  readonly websocket: boolean;
  /** What it says. Absent: it was not read, and rules about it hold it for the worst. */
  readonly content?: Content;
  /** What is judged now is a message that came after it. */
  readonly message?: Message;
  /** Whether its content type says gRPC. */
  readonly grpc?: boolean;
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
 * asks for; and as everything that it says. Of these the strictest verdict holds.
 */
export function evaluateHttp(rules: readonly RequestRule[], unmatched: Unmatched, facts: HttpFacts): HttpRuling {
  const { items, problems } = saidBy(facts, rules);
  const readings = readingsOf(facts);
  const judge = (said: Said) => readings.map((reading) => evaluateReading(rules, unmatched, reading, said));
  const rulings = [
    ...items.flatMap(judge),
    // Where it can be read in one language, what it is not in another matters only to who restricts that.
    ...problems.flatMap(judge).filter(({ verdict, ruleId }) => verdict === "deny" && ruleId !== undefined),
  ];
  const of = (verdict: Verdict) => rulings.find((ruling) => ruling.verdict === verdict);
  return of("deny") ?? of("ask") ?? rulings.find(({ audited }) => audited) ?? rulings[0] ?? { verdict: "deny" };
}

/** The languages that a request has to be read in before it is judged. Absent: its content makes no difference. */
export function contentNeeds(rules: readonly RequestRule[], facts: HttpFacts): ContentNeeds | undefined {
  if (facts.websocket) return undefined;
  const { content, settled } = contentRules(rules, facts);
  const of = (language: CompiledContent["language"]) => {
    return content.some(({ verdict, content }) => {
      if (content.language !== language || (settled && verdict === "allow")) return false;
      return content.language !== "rpc" || content.rule.direction === "to-host";
    });
  };
  const needs = { graphql: of("graphql"), rpc: of("rpc") };
  return needs.graphql || needs.rpc ? needs : undefined;
}

/** Whether messages that follow a request are judged: on a WebSocket, or in the answer of a host that speaks JSON-RPC. */
export function judgesMessages(rules: readonly RequestRule[], facts: HttpFacts): boolean {
  const language = facts.websocket ? "message" : "rpc";
  const { content, settled } = contentRules(rules, facts);
  return content.some(({ verdict, content }) => {
    if (content.language !== language) return false;
    if (verdict === "allow") return !settled;
    return content.language !== "rpc" || content.rule.direction === "from-host";
  });
}

/** Whether a tool could be called on the connection of a request, with the right arguments. */
export function knowsTool(rules: readonly RequestRule[], facts: HttpFacts, name: string): boolean {
  const { content, settled } = contentRules(rules, facts);
  const says = (verdict: Verdict, check: "knowsTool" | "deniesTool") => {
    return content.some((each) => {
      return (
        (each.verdict === "deny") === (verdict === "deny") &&
        each.content.language === "rpc" &&
        each.content.rule[check](name)
      );
    });
  };
  return !says("deny", "deniesTool") && (settled || says("allow", "knowsTool"));
}

/** The rules on content that could be about a request, and whether another rule allows whatever it says. */
function contentRules(rules: readonly RequestRule[], facts: HttpFacts) {
  const content: { readonly verdict: Verdict; readonly content: CompiledContent }[] = [];
  let settled = rules.some(({ verdict, http }) => http === undefined && verdict === "allow");
  const readings = readingsOf(facts);
  for (const { verdict, http } of rules) {
    if (http === undefined) continue;
    const matching = compiled(http, verdict === "deny" ? "both" : false).filter((rule) => {
      return readings.some((reading) => (verdict === "deny" ? isDenied(rule, reading) : isMeant(rule, reading)));
    });
    for (const rule of matching) {
      if (rule.content !== undefined) content.push({ verdict, content: rule.content });
      // One reading is not all of them: then the content is read in vain, and nothing else.
      else if (verdict === "allow") settled ||= readings.every((reading) => isMeant(rule, reading));
    }
  }
  return { content, settled };
}

function saidBy(facts: HttpFacts, rules: readonly RequestRule[]): ReturnType<typeof saidIn> {
  const { content, message, websocket } = facts;
  if (message !== undefined) return { items: [message], problems: [] };
  if (websocket) return { items: [{ language: "handshake" }], problems: [] };
  const unread: Said = { language: "unread" };
  if (content === undefined) return { items: [unread], problems: [] };
  // The policy may have changed since it was read: into one whose rules are about another language.
  const needs = contentNeeds(rules, facts);
  const isRead = !(needs?.graphql && content.graphql === undefined) && !(needs?.rpc && content.rpc === undefined);
  const said = saidIn(content);
  return isRead ? said : { ...said, items: [...said.items, unread] };
}

interface Reading extends Omit<HttpFacts, "override"> {
  readonly path: string;
  /** What was found out: a request may say a thousand things, and a rule means it or not whatever it says. */
  readonly meant: Map<CompiledRule, boolean>;
  readonly denied: Map<CompiledRule, boolean>;
}

function readingsOf(facts: HttpFacts): Reading[] {
  const methods = [facts.method, ...(facts.override === undefined ? [] : [facts.override])];
  return facts.target.readings.flatMap((path) => {
    return methods.map((method) => ({ ...facts, method, path, meant: new Map(), denied: new Map() }));
  });
}

function evaluateReading(
  rules: readonly RequestRule[],
  unmatched: Unmatched,
  reading: Reading,
  said: Said,
): HttpRuling {
  const verdicts = rules.map((rule) => verdictOf(rule, reading, said));
  for (const verdict of ["deny", "ask", "allow"] as const) {
    const found = rules[verdicts.indexOf(verdict)];
    if (found === undefined) continue;
    const defer = verdict !== "ask" || found.defer === undefined ? {} : { defer: found.defer };
    return { verdict, ruleId: found.ruleId, ...defer };
  }
  const auditing = rules.find(({ enforcement }) => enforcement === "audit");
  if (auditing !== undefined) return { verdict: "allow", ruleId: auditing.ruleId, audited: true };
  return { verdict: unmatched };
}

/** What one rule says to one thing. */
function verdictOf({ verdict, http }: RequestRule, reading: Reading, said: Said): Verdict | undefined {
  // Whoever was asked about the request has answered.
  const whole = verdict === "ask" && isLater(said) ? "allow" : verdict;
  if (http === undefined) return whole;
  if (verdict === "allow") {
    const allows = ({ content }: CompiledRule) => content === undefined || isAllowed(content, said, reading.method);
    return compiled(http, false).some((rule) => isMeant(rule, reading) && allows(rule)) ? "allow" : undefined;
  }
  const verdicts = compiled(http, verdict === "deny" ? "both" : false).flatMap((rule): Verdict[] => {
    if (!(verdict === "deny" ? isDenied(rule, reading) : isMeant(rule, reading))) return [];
    if (rule.content === undefined) return [whole];
    // A rule that asks about messages lets the handshake pass: there are none without it.
    if (verdict === "ask" && said.language === "handshake") return ["allow"];
    const restricts = isRestricted(rule.content, said);
    // Nobody can be asked about what nobody can read.
    if (restricts === "unclear") return ["deny"];
    return restricts ? [verdict] : [];
  });
  return (["deny", "ask", "allow"] as const).find((each) => verdicts.includes(each));
}

interface CompiledRule {
  readonly methods: ReadonlySet<string> | undefined;
  readonly paths: readonly GlobMatcher[] | undefined;
  readonly query: QueryMatcher | undefined;
  /** Whether it is about WebSockets, about everything else, or about both. */
  readonly websocket: boolean | "both";
  /** Absent: whatever it says. */
  readonly content: CompiledContent | undefined;
  readonly grpc: GrpcMatcher | undefined;
}

function isMeant(rule: CompiledRule, reading: Reading): boolean {
  return once(reading.meant, rule, () => findMeant(rule, reading));
}

function isDenied(rule: CompiledRule, reading: Reading): boolean {
  return once(reading.denied, rule, () => findDenied(rule, reading));
}

function once<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  const value = known.get(key) ?? find();
  known.set(key, value);
  return value;
}

function findMeant(rule: CompiledRule, reading: Reading): boolean {
  if (rule.grpc !== undefined && (reading.method !== "POST" || reading.grpc !== true)) return false;
  return matchesTarget(rule, reading) && (rule.query === undefined || matchesEvery(rule.query, reading.target.query));
}

function findDenied(rule: CompiledRule, reading: Reading): boolean {
  return matchesTarget(rule, reading) && (rule.query === undefined || matchesSome(rule.query, reading.target.query));
}

function matchesTarget(rule: CompiledRule, { method, path, websocket }: Reading): boolean {
  if (rule.websocket !== "both" && rule.websocket !== websocket) return false;
  if (rule.grpc?.(path) === false) return false;
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
function compileRule(rule: HttpRule, websocket: CompiledRule["websocket"]): CompiledRule {
  const { methods, paths, query, grpc } = rule;
  return {
    methods: methods && new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : [])]),
    paths: paths?.map((glob) => compileGlob(glob)),
    query: query && compileQuery(query),
    websocket,
    content: compileContent(rule),
    grpc: grpc && compileGrpc(grpc),
  };
}
