/**
 * `cofferdam policy explain`.
 *
 * @module
 */
import {
  displaySafe,
  type ExplainedCall,
  type ExplainedTarget,
  type Explanation,
  explain,
  type FileOperation,
  type InferenceLimits,
  loadPolicy,
  type PolicyRequest,
} from "../../mod.ts";
import { EXIT } from "../exit-codes.ts";
import { UsageError } from "../failure.ts";
import { styleOf } from "../style.ts";
import { say, sayJson, table } from "../write.ts";

/** What may be asked about a file. */
const FILE_OPERATIONS: readonly FileOperation[] = [
  ...(["read", "write", "create", "delete", "rename", "link", "list", "metadata"] as const),
];

/** See `cofferdam policy explain --help`. */
export interface ExplainFlags {
  readonly binary?: string;
  readonly json?: boolean;
}

/** Says what a policy says, and why; the exit code is the verdict. */
export async function explainPolicy(
  file: string,
  action: string,
  words: readonly string[],
  flags: ExplainFlags,
): Promise<number> {
  const request = requestOf(action, words, flags);
  const explanation = await explain(await loadPolicy(file), request);
  if (flags.json) sayJson({ request, ...explanation });
  else for (const line of lines(explanation)) say(line);
  return { allow: EXIT.ok, deny: EXIT.problem, ask: EXIT.asks }[explanation.verdict];
}

function requestOf(action: string, words: readonly string[], { binary }: ExplainFlags): PolicyRequest {
  const by = binary === undefined ? {} : { binary };
  const [first = "", second] = words;
  const operation = FILE_OPERATIONS.find((each) => each === action);
  if (operation !== undefined) {
    if (words.length !== 1) throw new UsageError(`"${action}" is about one file`);
    return { domain: "filesystem", operation, path: first };
  }
  switch (action) {
    case "start":
      return { domain: "process", argv: words };
    case "connect":
      if (words.length !== 1) throw new UsageError('"connect" is about one host, as host or host:port');
      return { domain: "network", ...hostOf(first), ...by };
    case "request":
      if (words.length > 2) throw new UsageError('"request" is about one request, as GET https://host/path');
      return {
        domain: "network",
        operation: "request",
        ...by,
        ...(second === undefined ? { url: first } : { method: first, url: second }),
      };
    case "call":
      if (words.length !== 1) throw new UsageError('"call" is about one model, as the client calls it');
      return { domain: "inference", model: first };
    default:
      throw new UsageError(
        `"${action}" is nothing that a policy decides: use ${FILE_OPERATIONS.join(", ")}, start, connect, request or call`,
      );
  }
}

/** `host`, `host:port`, an address, or `[address]:port`. */
function hostOf(text: string): { readonly host: string; readonly port?: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  return port === undefined ? { host } : { host, port: Number(port) };
}

const LOOKS = { allow: "green", deny: "red", ask: "yellow" } as const;

/** Why a rule has no say, where it is not that the request is another one. */
const NO_SAY: Readonly<Record<string, string>> = {
  order: "does not apply: a rule before it takes the call",
  content: "may apply: it is about what the call carries",
  local: "does not apply: the call goes to a local provider",
};

function lines({ verdict, reason, ruleId, parts, rules, decidedBy, call }: Explanation): string[] {
  const style = styleOf(process.stdout);
  const from = parts.length === 0 ? "" : ` of ${parts.map(displaySafe).join(", ")}`;
  const by = ruleId === undefined ? decidedBy : `${ruleId}${from}`;
  const rows = rules.map((rule) => [
    `  ${style(LOOKS[rule.verdict], rule.verdict)}`,
    displaySafe(rule.ruleId),
    rule.applies
      ? ""
      : style("dim", NO_SAY[rule.because ?? ""] ?? `does not apply: another ${rule.because ?? "request"}`),
  ]);
  return [
    `${style(LOOKS[verdict], verdict)} ${displaySafe(reason)} ${style("dim", `(${displaySafe(by)})`)}`,
    ...table(rows),
    ...(call === undefined ? [] : callLines(call)),
  ];
}

function callLines({ targets, budget, privacy, recorded }: ExplainedCall): string[] {
  const { providers = {}, ...whole } = budget;
  const said = (limits: InferenceLimits): string =>
    Object.entries(limits)
      .map(([name, limit]) => `${name} ${limit}`)
      .join(", ");
  const whereOf = ({ local, baseUrl }: ExplainedTarget): string => {
    if (baseUrl === undefined) return "the host knows where";
    return `${baseUrl}${local === true ? ", local" : ""}`;
  };
  const rows = [
    ...targets.map((target) => ["  asks", `${target.provider} (${target.model})`, whereOf(target)]),
    ...privacy.map(({ ruleId, action, target }) => [
      `  may ${action}`,
      ruleId,
      target === undefined ? "" : `${target.provider} (${target.model})`,
    ]),
    ...(Object.keys(whole).length === 0 ? [] : [["  budget", "all calls", said(whole)]]),
    ...Object.entries(providers).map(([name, limits]) => ["  budget", name, said(limits)]),
    ["  recorded", recorded, ""],
  ];
  return table(rows.map((row) => row.map(displaySafe)));
}
