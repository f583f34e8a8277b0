/**
 * Why a host may be reached, and a request made, or not.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { canonicalAddress } from "../addresses.ts";
import {
  type ConnectionAttempt,
  type ConnectionTable,
  connectionTable,
  evaluateConnection,
  evaluateRequest,
  INFERENCE_HOST,
  LOCAL_HOST,
  requestNeeds,
} from "../connections.ts";
import { compileGlob } from "../glob.ts";
import { type HttpFacts, isGrpcType, readContent, readTarget } from "../http/mod.ts";
import type { NormalizedNetworkDenial, NormalizedPolicy } from "../normalized.ts";
import { PLACES } from "../widenings.ts";
import { answer, stricter, unmatched } from "./answers.ts";
import { absolutePath } from "./files.ts";
import type { Answer, ConnectRequest, Considered, WebRequest } from "./types.ts";

/** Answers whether a connection may be made. */
export function explainConnection(policy: NormalizedPolicy, request: ConnectRequest): Answer {
  const attempt = attemptOf(request.host, request.port ?? 443, request.binary);
  const table = connectionTable(policy, PLACES);
  const isMeant = (rule: Rule) => !(rule.verdict === "deny" && rule.http !== undefined);
  return ownOr(policy, attempt, connectionAnswer(policy, table, attempt, isMeant));
}

/** Answers whether a request may be made, and its connection. */
export async function explainRequest(policy: NormalizedPolicy, request: WebRequest): Promise<Answer> {
  const { method = "GET", headers = {}, body, binary } = request;
  const { host, port, raw, isSocket } = readUrl(request.url);
  const attempt = attemptOf(host, port, binary);
  const table = connectionTable(policy, PLACES);
  const target = readTarget(raw);
  if ("problem" in target) {
    const rules = connectionAnswer(policy, table, attempt, () => true).rules;
    return { verdict: "deny", decidedBy: "malformed", section: "network", reason: target.problem, rules };
  }
  const given = Object.entries(headers);
  const types = given.filter(([name]) => name.toLowerCase() === "content-type").map(([, value]) => value);
  const override = given.find(([name]) => /^x-http-method(?:-override)?$|^x-method-override$/i.test(name))?.[1];
  const facts: HttpFacts = {
    method,
    ...(override === undefined ? {} : { override: override.toUpperCase() }),
    target,
    websocket: isSocket,
    grpc: isGrpcType(types),
  };
  const { content: needs } = requestNeeds(table, attempt, facts);
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  const source = { method, overridden: override !== undefined, query: target.query, headers: given, body: bytes };
  const read = needs === undefined ? facts : { ...facts, content: await readContent(source, needs) };
  const connection = connectionAnswer(policy, table, attempt, (rule) => {
    return evaluateRequest({ ...table, rules: [rule], unmatched: "deny" }, { ...attempt }, read).ruleId !== undefined;
  });
  const ruling = evaluateRequest(table, attempt, read);
  const asked = answer(ruling, connection.rules, unmatched("network", table.unmatched));
  const { inspects, addresses } = connection;
  const seen = { ...(inspects === undefined ? {} : { inspects }), ...(addresses === undefined ? {} : { addresses }) };
  const audited = ruling.audited ? { audited: true as const, reason: `${ruling.ruleId} only audits it` } : {};
  // Where nothing looks into a connection, whatever is said on it passes.
  const made = inspects === false ? connection : stricter({ ...asked, ...audited, ...seen }, connection);
  return ownOr(policy, attempt, made);
}

/** Hosts that are answered without a rule that leads there: the rules of the network can only deny them. */
function ownOr(policy: NormalizedPolicy, { host, port }: ConnectionAttempt, answer: Answer): Answer {
  const own = port === 80 || port === 443 ? ownHost(policy, host) : undefined;
  if (own === undefined || (answer.verdict === "deny" && answer.ruleId !== undefined)) return answer;
  const { ruleId } = own;
  const rules = ruleId === undefined ? [] : [{ ruleId, verdict: "allow", applies: true } as const];
  return { ...own, verdict: "allow", rules: [...answer.rules, ...rules], inspects: true };
}

function ownHost(
  { inference }: NormalizedPolicy,
  host: string,
): Pick<Answer, "decidedBy" | "section" | "ruleId" | "reason"> | undefined {
  if (host === LOCAL_HOST) return { decidedBy: "default", section: "network", reason: "it is the sandbox's own page" };
  const { routes, intercept } = inference;
  const section = "inference" as const;
  if (host === INFERENCE_HOST && routes.length + intercept.length > 0) {
    return { decidedBy: "default", section, reason: "the router of calls to models answers for it" };
  }
  const taken = intercept.find((glob) => compileGlob(glob, ".")(host));
  if (taken === undefined) return undefined;
  const reason = "the router of calls to models answers for it, and nothing is dialed";
  return { decidedBy: "rule", section, ruleId: `inference.intercept:${taken}`, reason };
}

type Rule = ConnectionTable["rules"][number];

function connectionAnswer(
  policy: NormalizedPolicy,
  table: ConnectionTable,
  attempt: ConnectionAttempt,
  isMeant: (rule: Rule) => boolean,
): Answer {
  const loosened = (loosen: Partial<NormalizedNetworkDenial>): readonly Rule[] => {
    const { allow, deny, ask, ...network } = policy.network;
    const all = <T extends object>(rules: readonly T[]): T[] => rules.map((rule) => ({ ...rule, ...loosen }));
    const loose = { ...policy, network: { ...network, allow: all(allow), deny: all(deny), ask: all(ask) } };
    return connectionTable(loose, PLACES).rules;
  };
  const [anyPort, anyBinary] = [loosened({ ports: "all", binaries: "any" }), loosened({ binaries: "any" })];
  const rules = table.rules.flatMap((rule, index): Considered[] => {
    if (anyPort[index]?.matches(attempt) !== true) return [];
    const because = whyNot();
    const { ruleId, verdict, defer } = rule;
    const why = because === undefined ? {} : { because };
    return [{ ruleId, verdict, ...(defer === undefined ? {} : { defer }), applies: because === undefined, ...why }];

    function whyNot(): "port" | "binary" | "request" | undefined {
      if (anyBinary[index]?.matches(attempt) !== true) return "port";
      if (!rule.matches(attempt)) return "binary";
      return isMeant(rule) ? undefined : "request";
    }
  });
  const { inspects, addresses, ...ruling } = evaluateConnection(table, attempt);
  return { ...answer(ruling, rules, unmatched("network", ruling.verdict)), inspects, addresses };
}

function attemptOf(host: string, port: number, binary: string | undefined): ConnectionAttempt {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
  return { host: canonicalAddress(bare), port, binary: binary === undefined ? "" : absolutePath(binary) };
}

const PORTS: Readonly<Record<string, number>> = { "http:": 80, "ws:": 80, "https:": 443, "wss:": 443 };

/** The target stays as it is written: dots and slashes are not resolved. */
function readUrl(url: string): { host: string; port: number; raw: string; isSocket: boolean } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const port = parsed === undefined ? undefined : PORTS[parsed.protocol];
  const [, path = "", query = ""] = /^[a-z]+:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/i.exec(url) ?? [];
  if (parsed === undefined || port === undefined) {
    throw new SandboxError(
      "ARGUMENT_INVALID",
      `Cannot explain a request to ${JSON.stringify(url)}: expected an absolute URL`,
      {
        details: { argument: "url", value: url },
        hint: "Write it with http:, https:, ws: or wss: in front",
      },
    );
  }
  const isSocket = parsed.protocol.startsWith("ws");
  return {
    host: parsed.hostname,
    port: parsed.port === "" ? port : Number(parsed.port),
    raw: `${path || "/"}${query}`,
    isSocket,
  };
}
