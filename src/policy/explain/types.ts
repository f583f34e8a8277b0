/**
 * Questions to a policy, and its answers.
 *
 * @module
 */
import type { PathAction } from "../evaluate.ts";
import type { Policy, Verdict } from "../types.ts";

/** What somebody wants to know of a policy: whether a file may be used, a program started, a host or a page reached. */
export type PolicyRequest = FileRequest | StartRequest | ConnectRequest | WebRequest;

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

/** Options of `explain`. */
export interface ExplainOptions {
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
 * that without `process.allow` whatever may be read may start; `malformed` is a request that no server may get.
 */
export type DecidedBy = "rule" | "baseline" | "unmatched" | "default" | "malformed";

/** What a policy says, and why. */
export interface Explanation {
  readonly verdict: Verdict;
  readonly decidedBy: DecidedBy;
  /** The section that decides: `filesystem` where a program may not be read. */
  readonly section: "filesystem" | "process" | "network";
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
  /** Why it has none: what of the request it is not about. */
  readonly because?: "operation" | "arguments" | "sha256" | "port" | "binary" | "request";
  readonly parts: readonly string[];
}

/** A rule that was looked at, before it is known where it came from. */
export type Considered = Omit<ConsideredRule, "parts" | "list">;

/** An answer, before it is known where the rules came from. */
export type Answer = Omit<Explanation, "parts" | "rules"> & { readonly rules: readonly Considered[] };
