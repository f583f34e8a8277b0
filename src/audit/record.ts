/**
 * The records of the audit: what is written down about a sandbox, its commands and every decision.
 *
 * @module
 */

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The four kinds of things that a policy decides about. */
export type AuditDomain = "filesystem" | "process" | "network" | "inference";

/** What came of a decision. `ask`: it waits for an approver, whose answer is a record of its own. */
export type AuditVerdict = "allow" | "deny" | "ask";

/** The policy that was in force. */
export interface RecordPolicy {
  /** `sha256:` and hexadecimal digits, as `policyDigest` gives it. */
  readonly digest: string;
  /** 1, and one more with every live change. */
  readonly generation: number;
}

/** What every record has. */
export interface RecordBase {
  /** ISO 8601 in UTC with milliseconds. */
  readonly time: string;
  /** 1 for the first record of a sandbox, and one more with each. */
  readonly sequence: number;
  /** The id of the sandbox. */
  readonly sandbox: string;
  readonly policy: RecordPolicy;
}

/** A sandbox came up. */
export interface SandboxStart {
  readonly kind: "sandbox.start";
  readonly runtime: string;
  /** For instance `"floor"`: how decisions are enforced. */
  readonly mode: string;
  /** What is really in force. */
  readonly enforcement: { readonly [key: string]: JsonValue };
}

/** A sandbox did not come up; nothing of it is left. */
export interface SandboxFailed {
  readonly kind: "sandbox.failed";
  /** A code of `SandboxError`, or `"UNKNOWN"`. */
  readonly code: string;
  readonly reason: string;
}

/** A sandbox has ended. */
export interface SandboxEnd {
  readonly kind: "sandbox.end";
  readonly reason: string;
  /** From the start to the end, in milliseconds. */
  readonly durationMs: number;
}

/** A program was started by the host. */
export interface CommandStart {
  readonly kind: "command.start";
  /** Redacted and bounded: see `redactArgv`. */
  readonly argv: readonly string[];
  /** In the sandbox. */
  readonly pid: number;
}

/** A program that the host had started has ended. */
export interface CommandEnd {
  readonly kind: "command.end";
  readonly argv: readonly string[];
  readonly pid?: number;
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** In milliseconds. */
  readonly durationMs: number;
}

/** A program could not be started. */
export interface CommandFailed {
  readonly kind: "command.failed";
  readonly argv: readonly string[];
  readonly errno: string;
  readonly stage: string;
}

/** The host connected to a server in the sandbox, or tried to. */
export interface PortConnection {
  readonly kind: "port.connection";
  /** In the sandbox. */
  readonly port: number;
  readonly via: "forward" | "fetch";
  /** Who connected to a forwarded port: an address of the host and a port. */
  readonly client?: string;
  /** Why there is no connection; undefined if there is one. */
  readonly errno?: string;
}

/** A program that asked for something: what it is and where it came from. What is not known is absent. */
export interface Subject {
  /** In the sandbox. */
  readonly pid?: number;
  /** The path of its program. */
  readonly binary?: string;
  /** Of the program's file: 64 hexadecimal digits. */
  readonly sha256?: string;
  /** The paths of its parents' programs, the nearest first. They inform; they never decide. */
  readonly ancestors?: readonly string[];
}

/** Who decided: the policy or the kernel floor by itself, or a plugin or approver by its name. */
export type DecidedBy =
  | { readonly kind: "policy" | "floor"; readonly name?: string }
  | { readonly kind: "plugin"; readonly name: string }
  | ApproverFacts;

/** An approver, and its answer where it gave one. */
export interface ApproverFacts {
  readonly kind: "approver";
  /** Who answered; else the approver's name, or `approve`. */
  readonly name: string;
  /** The id of the question. */
  readonly question?: string;
  /** How far the answer goes: `once`, `session` or `always`. Undefined: there was none. */
  readonly scope?: string;
  /** When it was given: ISO 8601. */
  readonly at?: string;
  /** Nobody was asked: the same was answered before. @default false */
  readonly remembered?: boolean;
}

/** What came of a call to a model. The model that was asked for is the decision's object. */
export interface InferenceFacts {
  /** What was called, for instance `"messages"` or `"chat"`. */
  readonly endpoint: string;
  /** Who answered, or failed last. Undefined if no route took the call, as with `model` and `local`. */
  readonly provider?: string;
  /** The model that the provider was asked for. */
  readonly model?: string;
  /** Whether the provider is local. */
  readonly local?: boolean;
  /** Tokens that were read, from a cache or not. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input: what came from the provider's cache. @default 0 */
  readonly cachedTokens?: number;
  /** What it cost, in US dollars, where the price is known. */
  readonly usd?: number;
  /** The provider did not count all of them. @default false */
  readonly estimated?: boolean;
  /** The rules of privacy that it matched, what they do, and in how many places: never what was found. @default none */
  readonly privacy?: readonly PrivacyMatched[];
  /** What was said, where the policy asks for it, and no rule of privacy matched. @default none */
  readonly content?: CallContent;
  /** `"answered"`, or what went wrong. */
  readonly outcome: string;
  /** Until the answer began, in milliseconds. The decision's latency is until it had ended. */
  readonly firstByteMs?: number;
}

/** What a call to a model said, as JSON, without secrets and cut to 32,768 characters: a long request in its middle. */
export interface CallContent {
  /** As it went to the provider, in the API that the client speaks. */
  readonly request: string;
  /** As the client got it; of a stream, a list of its parts. Undefined: nothing came. */
  readonly answer?: string;
}

/** A rule of privacy that a call matched, and how often; what stands in JSON in a text counts there, too. */
export interface PrivacyMatched {
  readonly rule: string;
  readonly action: string;
  readonly count: number;
}

/** Something was asked for, and answered. */
export interface Decision {
  readonly kind: "decision";
  readonly domain: AuditDomain;
  /** For instance `"files.read"` or `"network.connect"`. */
  readonly operation: string;
  /** Undefined when the host itself asked, as with `files.*`. */
  readonly subject?: Subject;
  /** What it was asked about: a path, a program, `host:port`. Secrets and query values never enter it. */
  readonly object: string;
  readonly verdict: AuditVerdict;
  /** The rule that matched; undefined when none did. */
  readonly ruleId?: string;
  readonly decidedBy: DecidedBy;
  /** From the question to the answer, in milliseconds. */
  readonly latencyMs?: number;
  readonly reason: string;
  /** Of a start: the arguments, redacted and bounded. */
  readonly argv?: readonly string[];
  /** Of a call to a model: what came of it. What was said is in it only where the policy asks for that. */
  readonly inference?: InferenceFacts;
  /** How many identical decisions this record stands for. @default 1 */
  readonly count?: number;
}

/** A change of the workspace was written back to the host's folder, or was not. */
export interface ReviewApply {
  readonly kind: "review.apply";
  /** Below the workspace. */
  readonly path: string;
  /** Of a renamed file: where it was. */
  readonly from?: string;
  readonly change: "added" | "modified" | "deleted" | "renamed";
  readonly outcome: "applied" | "refused";
  /** Of a refused one: the code, and the reason. */
  readonly code?: string;
  readonly reason?: string;
  /** Of the content: 64 hexadecimal digits. */
  readonly sha256?: string;
  /** Permission bits. */
  readonly mode?: number;
}

/** The workspace was put back to what it was. */
export interface ReviewDiscard {
  readonly kind: "review.discard";
  /** How many files. */
  readonly restored: number;
}

/** A part of the budget for models is nearly used, or used up. Each is told once. */
export interface InferenceBudgetNotice {
  readonly kind: "inference.budget";
  readonly limit: "tokens" | "usd";
  /** Of calls to this provider. Undefined: of all calls. */
  readonly provider?: string;
  readonly used: number;
  readonly of: number;
  /** `"near"`: 80 % of it. */
  readonly state: "near" | "spent";
}

/** Somebody answered a question of an approver, and it did not count. */
export interface ApprovalRefused {
  readonly kind: "approval.refused";
  /** The question that it was for, as the answer named it. */
  readonly question: string;
  /** Nobody waited any more; it was answered already; there is none; it proved nothing; or it had been sent before. */
  readonly why: "late" | "double" | "unknown" | "forged" | "replayed";
  /** Who sent it, or says so. */
  readonly by?: string;
}

/** What a record says, beside what every record has. */
export type RecordBody =
  | SandboxStart
  | SandboxFailed
  | SandboxEnd
  | CommandStart
  | CommandEnd
  | CommandFailed
  | PortConnection
  | ReviewApply
  | ReviewDiscard
  | InferenceBudgetNotice
  | ApprovalRefused
  | Decision;

/** One record of the audit, discriminated by `kind`. */
export type AuditRecord = RecordBase & RecordBody;

/** The record of a decision. */
export type DecisionRecord = RecordBase & Decision;
