/**
 * What a policy means, written as plainly as possible and for these tests only: nothing of the engine is used, so that the two
 * can disagree.
 */
import type {
  FilesystemSection,
  HttpAccess,
  HttpRule,
  HttpRules,
  NetworkDenial,
  NetworkRule,
  Policy,
  ProcessRule,
  Verdict,
} from "../../../src/mod.ts";

/** A verdict, and who is asked: a hook by its name, or nobody in particular. */
export interface Said {
  readonly verdict: Verdict;
  readonly defer?: string | undefined;
  /** A rule says so, and no default. */
  readonly explicit: boolean;
}

export const RANK = { deny: 0, ask: 1, allow: 2 } as const;

export function min(...verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (RANK[a] < RANK[b] ? a : b));
}

export function max(...verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (RANK[a] > RANK[b] ? a : b));
}

/** Segment by segment, with recursion for every star. */
export function globs(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === "**") return text.length > 0 && globs(pattern, text.slice(1)) ? true : globs(rest, text);
  const [head, ...tail] = text;
  if (head === undefined || !stars(first, head)) return false;
  return globs(rest, tail);
}

function stars(pattern: string, text: string): boolean {
  if (pattern === "*") return text !== "";
  const source = pattern.split("*").map((piece) => piece.replace(/[.+^$()|[\]\\?{}]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`, "s").test(text);
}

const segments = (path: string): string[] => path.split("/").filter((segment) => segment !== "" && segment !== ".");

const absolute = (path: string): string[] => {
  if (path.startsWith("/")) return segments(path);
  if (path.startsWith("~")) return ["home", "agent", ...segments(path.slice(1))];
  return ["workspace", ...segments(path)];
};

const covers = (pattern: string, path: string): boolean => globs([...absolute(pattern), "**"], segments(path));

type Hit = { readonly verdict: Verdict; readonly defer?: string | undefined };

function strictest(hits: readonly Hit[], otherwise: Verdict): Said {
  for (const verdict of ["deny", "ask", "allow"] as const) {
    const hit = hits.find((each) => each.verdict === verdict);
    if (hit !== undefined) return { verdict, defer: hit.defer, explicit: true };
  }
  return { verdict: otherwise, explicit: false };
}

/** Without the baseline: the policies of these tests turn it off, or ask about what it does not grant. */
export function file(policy: Policy, path: string, writes: boolean): Said {
  const section: FilesystemSection = policy.filesystem ?? {};
  const hits: Hit[] = [];
  for (const list of ["read", "write", "ask"] as const) {
    for (const entry of section[list] ?? []) {
      const rule = typeof entry === "string" ? { path: entry } : entry;
      if (!covers(rule.path, path) || (writes && list === "read")) continue;
      hits.push({ verdict: list === "ask" || rule.defer !== undefined ? "ask" : "allow", defer: rule.defer });
    }
  }
  for (const entry of section.deny ?? []) {
    if (covers(typeof entry === "string" ? entry : entry.path, path)) hits.push({ verdict: "deny" });
  }
  return strictest(hits, section.unmatched ?? "deny");
}

export interface Start {
  readonly path: string;
  readonly requested: string;
  readonly argv: readonly string[];
  readonly sha256: string;
}

export const SEARCH = ["/bin"];

export function program(policy: Policy, start: Start): Said {
  const section = policy.process ?? {};
  const hits: Hit[] = [];
  for (const list of ["allow", "deny", "ask"] as const) {
    for (const entry of section[list] ?? []) {
      const rule: ProcessRule = typeof entry === "string" ? { binary: entry } : entry;
      if (!isProgram(rule, start, list === "deny")) continue;
      const verdict = list === "deny" ? "deny" : list === "ask" || rule.defer !== undefined ? "ask" : "allow";
      hits.push({ verdict, defer: rule.defer });
    }
  }
  return strictest(hits, section.allow === undefined ? "allow" : (section.unmatched ?? "deny"));
}

function isProgram({ binary, args, sha256 }: ProcessRule, start: Start, denies: boolean): boolean {
  if (sha256 !== undefined && sha256 !== start.sha256) return false;
  if (args !== undefined && !globs(args, start.argv.slice(1))) return false;
  const named = (path: string): boolean => {
    if (binary.includes("/")) return globs(segments(binary), segments(path));
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    return SEARCH.includes(parts.join("/")) && stars(binary, name);
  };
  if (named(start.path)) return true;
  if (!named(start.requested)) return false;
  const wanted = start.requested.split("/").pop();
  return denies || start.path.split("/").pop() === wanted || start.argv[0] === wanted;
}

export interface Attempt {
  readonly host: string;
  readonly port: number;
  readonly binary: string;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly websocket: boolean;
}

/** What becomes of a connection: as such, of any bytes on it, and of a dial to an address that is not public. */
export interface Connection {
  readonly connect: Said;
  readonly bytes: Verdict;
  readonly dials: boolean;
}

/** The one address that is not public in these tests. */
export const PRIVATE = "10.0.0.5";

const isAddress = (host: string): boolean => /^[0-9./]+$/.test(host);

function inHost(host: string, name: string): boolean {
  if (isAddress(host) !== isAddress(name)) return false;
  if (!isAddress(host)) return globs(host.split("."), name.split("."));
  return host === name || inRange(host, name);
}

/** Only /8 and /0 are used. */
function inRange(range: string, address: string): boolean {
  if (range.endsWith("/8")) return address.split(".")[0] === range.split(".")[0];
  return range.endsWith("/0") || range === address;
}

function isConnection(rule: Omit<NetworkDenial, "http">, attempt: Attempt, ports: readonly number[] | "all"): boolean {
  const given = rule.ports ?? ports;
  if (!inHost(rule.host, attempt.host) || (given !== "all" && !given.includes(attempt.port))) return false;
  return (
    rule.binaries?.some((binary) => {
      return globs(binary.includes("/") ? segments(binary) : ["**", binary], segments(attempt.binary));
    }) ?? true
  );
}

interface NetHit extends Hit {
  readonly rule: NetworkRule;
}

function netHits({ network = {} }: Policy, attempt: Attempt): NetHit[] {
  const of = (list: "allow" | "ask"): NetHit[] => {
    return (network[list] ?? [])
      .filter((rule) => isConnection(rule, attempt, [443]))
      .map((rule) => {
        const asks = list === "ask" || rule.defer !== undefined;
        return { verdict: asks ? "ask" : "allow", defer: rule.defer, rule };
      });
  };
  const denials = (network.deny ?? []).filter((rule) => isConnection(rule, attempt, "all"));
  return [
    ...of("allow"),
    ...denials.map((rule): NetHit => ({ verdict: "deny", rule: rule as NetworkRule })),
    ...of("ask"),
  ];
}

export function connection(policy: Policy, attempt: Attempt): Connection {
  const hits = netHits(policy, attempt);
  const unmatched = policy.network?.unmatched ?? "deny";
  const whole = hits.filter(({ rule }) => rule.http === undefined);
  const opens = hits.some(({ rule, verdict }) => rule.http !== undefined && verdict !== "deny");
  const connect = whole.length > 0 || !opens ? strictest(whole, unmatched) : strictest([{ verdict: "allow" }], "deny");
  const inspects = hits.some(({ rule }) => rule.http !== undefined || rule.tls === "terminate");
  const listed = [
    ...(policy.network?.privateRanges ?? []),
    ...hits.flatMap(({ rule }) => rule.addresses ?? []),
    ...hits
      .filter(({ verdict }) => verdict !== "deny")
      .flatMap(({ rule }) => (/^10\./.test(rule.host) ? [rule.host] : [])),
  ];
  const dials = connect.verdict !== "deny" && listed.some((range) => inRange(range, PRIVATE));
  return { connect, bytes: inspects ? "deny" : connect.verdict, dials };
}

/** What becomes of a request, with its connection. */
export function request(policy: Policy, attempt: Attempt, asked: Request): Verdict {
  const { connect, bytes } = connection(policy, attempt);
  if (connect.verdict === "deny" || bytes !== "deny") return connect.verdict;
  const hits = netHits(policy, attempt);
  const said = hits.flatMap(({ verdict, rule }): Verdict[] => {
    // Whoever was asked about the connection has answered.
    if (rule.http === undefined) return [verdict === "ask" ? "allow" : verdict];
    return rulesOf(rule.http).some((each) => isRequest(each, asked, verdict === "deny")) ? [verdict] : [];
  });
  const audits = hits.some(({ rule }) => rule.enforcement === "audit");
  const here = said.length > 0 ? min(...said) : audits ? "allow" : (policy.network?.unmatched ?? "deny");
  return min(connect.verdict, here);
}

function rulesOf(http: HttpAccess | HttpRules): readonly HttpRule[] {
  if ("rules" in http) return http.rules;
  const read = ["GET", "HEAD", "OPTIONS"];
  if (http.access === "read-only") return [{ methods: read }];
  if (http.access === "read-write") return [{ methods: [...read, "POST", "PUT", "PATCH"] }];
  if (http.access === "full") return [{}, { websocket: true }];
  throw new Error(`the oracle does not know ${http.access}`);
}

function isRequest(rule: HttpRule, { method, path, query, websocket }: Request, denies: boolean): boolean {
  if (!(denies && rule.websocket === undefined) && (rule.websocket ?? false) !== websocket) return false;
  if (rule.methods !== undefined && !rule.methods.includes(method)) {
    if (method !== "HEAD" || !rule.methods.includes("GET")) return false;
  }
  if (rule.paths !== undefined && !rule.paths.some((glob) => globs(glob.split("/"), path.split("/")))) return false;
  return Object.entries(rule.query ?? {}).every(([name, glob]) => {
    const value = query[name];
    return value !== undefined && globs(glob.split("/"), value.split("/"));
  });
}
