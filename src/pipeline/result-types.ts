/**
 * The types of what came of a run.
 *
 * @module
 */
import type { AuditDomain } from "../audit/mod.ts";
import type { GateSubject } from "./gate-types.ts";
import type { ArtifactFile, FailureCode } from "./types.ts";

/**
 * What came of a run. `waiting`: a gate is open, and `resumePipeline` with an approval goes on. `aborted`: it was ended from
 * outside, and `resumePipeline` goes on.
 */
export type RunStatus = "passed" | "failed" | "denied" | "waiting" | "aborted";

/** What came of a stage. `skipped`: something that it needs did not pass. `pending`: it was not its turn yet. */
export type StageStatus = "passed" | "failed" | "denied" | "waiting" | "skipped" | "pending";

/** Denials of one thing in a stage. All texts but `rule` may be the program's: hostile. */
export interface StageDenial {
  readonly domain: AuditDomain;
  readonly operation: string;
  readonly object: string;
  /** Absent: no rule allows it. */
  readonly rule?: string;
  readonly reason: string;
  /** The program that asked. */
  readonly program?: string;
  readonly count: number;
}

/** A sandbox of a stage: what held it, and what it decided. */
export interface AttemptFacts extends ProgramFacts {
  readonly attempt: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** The id of its sandbox; absent where there was none. */
  readonly sandbox?: string;
  readonly policyDigest: string;
  readonly runtime?: string;
  /** How files were decided: `floor`, `trapped` or `emulated`. */
  readonly mode?: string;
  readonly kernel?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  readonly decisions: { readonly allowed: number; readonly denied: number; readonly asked: number };
  /** At most 1000. */
  readonly denials: readonly StageDenial[];
  /** The hash of the last line of its audit log, which lies in `audit/` of the run's folder. */
  readonly auditHead?: string;
  /** The end of what it printed, at most 8 KiB each. Hostile. */
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
  readonly failure?: { readonly code: FailureCode; readonly reason: string };
  readonly checks: readonly CheckFacts[];
}

/** An image that a container ran from. */
export interface ImageFacts {
  /** As it was named. */
  readonly name: string;
  /** The digest of what that was: `sha256:` and 64 hexadecimal digits. */
  readonly id: string;
}

/** A folder or an archive that a local sandbox ran from. */
export interface RootFacts {
  /** As it was named. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The digest of its image: `sha256:` and 64 hexadecimal digits. Absent: it is a folder as it is, and nobody knows one. */
  readonly id?: string;
}

/** What a sandbox had its programs from. Both are absent where it had this machine's. */
export interface ProgramFacts {
  /** Of a container. */
  readonly image?: ImageFacts;
  readonly root?: RootFacts;
}

/** What came of a check; its programs and its policy, where it ran in a sandbox. */
export interface CheckFacts extends ProgramFacts {
  readonly name: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly policyDigest?: string;
  /** Absent: it held. */
  readonly problem?: string;
  readonly durationMs: number;
}

/** An output of a stage. */
export interface OutputFacts {
  readonly name: string;
  /** Of the list of its files: `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly files: readonly ArtifactFile[];
}

/** What came of a gate. */
export interface GateResult {
  readonly on: GateSubject;
  readonly digest: string;
  readonly deadline: string;
  readonly approved?: boolean;
  readonly by?: string;
  readonly reason?: string;
}

/** What was written to the project. */
export interface ReleaseFacts {
  readonly applied: readonly string[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
}

/** What came of a stage. */
export interface StageResult {
  readonly name: string;
  readonly status: StageStatus;
  /** Why it did not pass. */
  readonly reason?: string;
  readonly failure?: FailureCode;
  readonly attempts: readonly AttemptFacts[];
  readonly outputs: readonly OutputFacts[];
  readonly gate?: GateResult;
  readonly release?: ReleaseFacts;
}

/** What came of a run. */
export interface PipelineResult {
  readonly pipeline: string;
  readonly run: string;
  /** The run's folder, which `resumePipeline` takes. */
  readonly folder: string;
  readonly status: RunStatus;
  readonly stages: readonly StageResult[];
  /** The files of the project that the stages began with. */
  readonly inputs: readonly ArtifactFile[];
  /** `sha256:` and 64 hexadecimal digits. */
  readonly definitionDigest: string;
  /** The hash of the journal's last line. */
  readonly journalHead: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
}
