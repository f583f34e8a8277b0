/**
 * The records of what happened: one for each decision, start and end.
 *
 * @module
 */

/** What every record carries. */
export interface RecordBase {
  /** ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  /** 1 for a sandbox's first record, and one more each. */
  readonly sequence: number;
  /** The sandbox's name. */
  readonly sandbox: string;
  readonly policy: { readonly digest: string; readonly generation: number };
}

/** A program: what it is and where it came from. What is not known is absent. */
export interface Subject {
  readonly pid?: number;
  readonly binary?: string;
  /** Of the binary, in hexadecimal digits. */
  readonly sha256?: string;
  /** Binaries of the processes above it, the nearest first. */
  readonly ancestors?: readonly string[];
}

/** Who decided. `floor` is the kernel, by what the policy told it at the start. */
export interface DecidedBy {
  readonly kind: "policy" | "floor" | "plugin" | "approver";
  readonly name?: string;
}

/** A decision on one operation. */
export interface Decision {
  readonly kind: "decision";
  readonly domain: "filesystem" | "process" | "network" | "inference";
  readonly operation: string;
  /** What the operation was about: a path, a program, a host. */
  readonly object: string;
  readonly verdict: "allow" | "deny" | "ask";
  readonly subject?: Subject;
  /** The rule that decided; absent where nothing matched. */
  readonly ruleId?: string;
  readonly decidedBy: DecidedBy;
  readonly reason: string;
  /** How long it took to decide, in milliseconds. */
  readonly latencyMs?: number;
  /** How many identical decisions this record stands for. @default 1 */
  readonly count?: number;
}

/** What a record can say, beside what every record carries. */
export type RecordBody =
  | {
      readonly kind: "sandbox.start";
      readonly runtime: string;
      readonly mode: string;
      readonly enforcement: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "sandbox.end"; readonly reason: string; readonly durationMs: number }
  | { readonly kind: "sandbox.failed"; readonly code: string; readonly reason: string }
  | { readonly kind: "command.start"; readonly argv: readonly string[]; readonly pid: number }
  | {
      readonly kind: "command.end";
      readonly argv: readonly string[];
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly timedOut: boolean;
      readonly durationMs: number;
    }
  | { readonly kind: "command.failed"; readonly argv: readonly string[]; readonly errno: string; readonly stage: string }
  | Decision;

/** One record. */
export type AuditRecord = RecordBase & RecordBody;
