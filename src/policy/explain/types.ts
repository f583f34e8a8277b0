/**
 * Questions to a policy, and its answers.
 *
 * @module
 */
import type { PathAction } from "../evaluate.ts";
import type { InferenceBudget, InferenceProvider, Policy, PrivacyRule, Verdict } from "../types.ts";

/** What somebody wants to know of a policy: whether a file may be used, a program started, a host or a page reached, a model called. */
export type PolicyRequest = FileRequest | StartRequest | ConnectRequest | WebRequest | ModelRequest;

/** What is done to a file. */
export type FileOperation = PathAction;

/** The use of a file. */
export interface FileRequest {
  readonly domain: "filesystem";
  /** @default {"read"} */
  readonly operation?: FileOperation;
  /** What it is really called, links followed: absolute, in the workspace (`./src`), or in the home (`~/.cache`). */
  readonly path: string;
}

/** The start of a program. The file must be readable, too. */
export interface StartRequest {
  readonly domain: "process";
  readonly operation?: "start";
  /** The program's name or path, and its arguments. */
  readonly argv: readonly string[];
  /** What the program is really called. @default {`argv[0]`; a mere name is looked for in `/usr/bin`} */
  readonly path?: string;
  /** Hexadecimal. @default unknown, which allows nothing that a rule with a hash allows */
  readonly sha256?: string;
  /** The sandbox's `PATH`. @default the usual directories */
  readonly search?: readonly string[];
}

/** A connection. */
export interface ConnectRequest {
  readonly domain: "network";
  readonly operation?: "connect";
  /** A name or an address. */
  readonly host: string;
  /** @default {443} */
  readonly port?: number;
  /** The path of the program that connects. @default unknown, which no rule with `binaries` matches */
  readonly binary?: string;
}

/** An HTTP request, with the connection that it needs. */
export interface WebRequest {
  readonly domain: "network";
  readonly operation: "request";
  /** @default {"GET"} */
  readonly method?: string;
  /** `http:`, `https:`, or for a WebSocket `ws:` and `wss:`. */
  readonly url: string;
  /** @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent. It is only read where a rule is about content. @default nothing */
  readonly body?: string;
  /** The path of the program that connects. @default unknown */
  readonly binary?: string;
}

/** A call to a model. What it says is not part of it, so of rules of privacy only is said which may count. */
export interface ModelRequest {
  readonly domain: "inference";
  readonly operation?: "call";
  /** As the client calls it. */
  readonly model: string;
}

/** Options of `explain`. */
export interface ExplainOptions {
  /** Of a call to a model: the providers that `createSandbox` is given, beside those of the policy. @default none */
  readonly providers?: Readonly<Record<string, InferenceProvider>>;
  /**
   * The parts that the policy was composed of: rules are found again by what they say. For a policy that was written down
   * and read again since.
   *
   * @default what is known from `compose` or `restrict`, or the policy's own name
   */
  readonly parts?: readonly (Policy | string)[];
}

/**
 * What decides. `rule` and `baseline` have a rule's id; `unmatched` is what a section says of what no rule allows, `default`
 * that without `process.allow` whatever may be read may start, and that a sandbox reaches its own names; `malformed` is a request that no
 * server may get, or a route that no sandbox takes.
 */
export type DecidedBy = "rule" | "baseline" | "unmatched" | "default" | "malformed";

/** What a policy says, and why. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly decidedBy: DecidedBy;
  /** The section that decides: `filesystem` where a program may not be read, `inference` where a host is answered by the router. */
  readonly section: "filesystem" | "process" | "network" | "inference";
  readonly ruleId?: string;
  /** The hook that is asked. Absent beside `ask`: the approver is. */
  readonly defer?: string;
  /** The parts that said so: more than one if several said the same. Empty: none did, or nobody knows. */
  readonly parts: readonly string[];
  /** A sentence without a final period. */
  readonly reason: string;
  /** Every rule that is about this file, program or host, in the order of the policy. */
  readonly rules: readonly ConsideredRule[];
  /** It would be denied, and passes because the rule only audits. */
  readonly audited?: true;
  /** Of a connection: whether TLS is opened, and nothing but HTTP passes. */
  readonly inspects?: boolean;
  /** Of a connection: addresses beside public ones that may be dialed. */
  readonly addresses?: readonly string[];
  /** Of a call to a model that a route takes: who answers it, and what is held against it. */
  readonly call?: ExplainedCall;
}

/** What becomes of a call to a model. */
export interface ExplainedCall {
  /** Who is asked, in this order, until one answers. */
  readonly targets: readonly ExplainedTarget[];
  /** The rules of privacy that count if the call carries what they are about. */
  readonly privacy: readonly ExplainedPrivacy[];
  /** The limits that it is held to: of all calls, and of those to these providers. */
  readonly budget: InferenceBudget;
  /** What the audit keeps of it. */
  readonly recorded: "metadata" | "content";
}

/** A provider that a call is sent to. */
export interface ExplainedTarget {
  readonly provider: string;
  /** The model that it is asked for. */
  readonly model: string;
  /** Where it is, and whether that is local. Absent: neither the policy nor the options name it. */
  readonly baseUrl?: string;
  readonly local?: boolean;
}

/** A rule about what calls carry. */
export interface ExplainedPrivacy {
  readonly ruleId: string;
  readonly action: PrivacyRule["action"];
  /** Who takes the call. Only with `route`. */
  readonly target?: ExplainedTarget;
}

/** A rule that was looked at. */
export interface ConsideredRule {
  readonly ruleId: string;
  /** The list that it stands in, for instance `filesystem.read`. */
  readonly list: string;
  /** What it says where it applies. */
  readonly verdict: Verdict;
  readonly defer?: string;
  /** Whether it has a say. */
  readonly applies: boolean;
  /**
   * Why it has none: what of the request it is not about. `order`: a rule before it takes the call. `content`: whether it has a say
   * depends on what the call carries. `local`: it is not about calls to local providers.
   */
  readonly because?:
    | "operation"
    | "arguments"
    | "sha256"
    | "port"
    | "binary"
    | "request"
    | "order"
    | "content"
    | "local";
  readonly parts: readonly string[];
}

/** A rule that was looked at, before it is known where it came from. */
export type Considered = Omit<ConsideredRule, "parts" | "list">;

/** An answer, before it is known where the rules came from. */
export type Answer = Omit<Explanation, "parts" | "rules"> & { readonly rules: readonly Considered[] };
