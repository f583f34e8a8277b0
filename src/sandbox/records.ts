/**
 * The records of one sandbox: numbered, told to listeners, and sent to the log.
 *
 * @module
 */
import {
  type AuditLog,
  type AuditRecord,
  type DecisionRecord,
  type InferenceBudgetNotice,
  type InferenceFacts,
  type JsonValue,
  type KnownSecret,
  openAuditLog,
  type PortConnection,
  type RecordBase,
  type RecordBody,
  type RecordPolicy,
  redactArgv,
  redactText,
  type Subject,
} from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import type { RefusedAnswer } from "../hooks/mod.ts";
import type { Change, DiscardResult, RefusedChange } from "../review/mod.ts";
import type { AuditOptions, ExecAudit } from "./audit.ts";
import type { Enforcement } from "./enforcement.ts";
import { SandboxEvents } from "./events.ts";
import type { CommandExit, Text } from "./types.ts";

/** Writes the records of one sandbox. */
export class SandboxRecords implements ExecAudit {
  readonly events: SandboxEvents = new SandboxEvents();
  /** Called once, when the log can no longer be written and the sandbox must not go on without it. */
  onLogFailure: (() => void) | undefined;
  /** Sees every record, after the listeners of events. It never throws. */
  observer: ((record: AuditRecord) => void) | undefined;
  /** What must not be written down. */
  secrets: () => readonly KnownSecret[] = () => [];
  readonly #id: string;
  #policy: RecordPolicy;
  readonly #mustLog: boolean;
  readonly #started = performance.now();
  #log: AuditLog | undefined;
  #sequence = 0;
  #closed = false;

  private constructor(id: string, digest: string, options: AuditOptions | undefined) {
    this.#id = id;
    this.#policy = { digest, generation: 1 };
    this.#mustLog = options?.onFailure !== "report";
  }

  /**
   * Begins the records of a sandbox.
   *
   * @throws {SandboxError} AUDIT_BROKEN If the log's file does not end with a line of a log.
   * @throws {SandboxError} ARGUMENT_INVALID If it cannot be opened.
   */
  static async open(id: string, digest: string, options: AuditOptions | undefined): Promise<SandboxRecords> {
    const records = new SandboxRecords(id, digest, options);
    if (options !== undefined) {
      records.#log = await openAuditLog(options.file, { onError: (error) => records.#logFailed(error) });
    }
    return records;
  }

  /** The decisions so far, the newest last. */
  decisions(): readonly DecisionRecord[] {
    return this.events.decisions();
  }

  sandboxStarted(enforcement: Enforcement): void {
    const { runtime, mode } = enforcement;
    this.#add({ kind: "sandbox.start", runtime, mode, enforcement: { ...enforcement } satisfies JsonValue });
  }

  async startFailed(error: unknown): Promise<void> {
    const code = SandboxError.is(error) ? error.code : "UNKNOWN";
    const reason = redactText(error instanceof Error ? error.message : String(error), this.secrets());
    this.#add({ kind: "sandbox.failed", code, reason });
    await this.#close("the start failed");
  }

  async sandboxEnded(reason: string): Promise<void> {
    this.#add({ kind: "sandbox.end", reason, durationMs: Math.round(performance.now() - this.#started) });
    await this.#close(reason);
  }

  commandStarted(argv: readonly Text[], pid: number): void {
    this.#add({ kind: "command.start", argv: redactArgv(argv, this.secrets()), pid });
  }

  commandEnded(argv: readonly Text[], exit: CommandExit): void {
    this.#add({
      kind: "command.end",
      argv: redactArgv(argv, this.secrets()),
      ...exit,
      durationMs: Math.round(exit.durationMs),
    });
  }

  commandRefused(argv: readonly Text[], { details }: SandboxError<"EXEC_FAILED">): void {
    this.#add({
      kind: "command.failed",
      argv: redactArgv(argv, this.secrets()),
      errno: details.errno,
      stage: details.stage,
    });
  }

  fileRefused(operation: string, path: Uint8Array, error: SandboxError): void {
    this.#add({
      kind: "decision",
      domain: "filesystem",
      operation: `files.${operation}`,
      object: redactText(path, this.secrets()),
      verdict: "deny",
      decidedBy: { kind: "floor" },
      reason: redactText(error.message, this.secrets()),
    });
  }

  portConnection(connection: Omit<PortConnection, "kind">): void {
    this.#add({ kind: "port.connection", ...connection });
  }

  /** A change reached the host's folder, or was refused. */
  changeApplied(change: Change, refused: RefusedChange | undefined): void {
    const { kind, path, from, after } = change;
    const secrets = this.secrets();
    this.#add({
      kind: "review.apply",
      path: redactText(path, secrets),
      ...(from === undefined ? {} : { from: redactText(from, secrets) }),
      change: kind,
      outcome: refused === undefined ? "applied" : "refused",
      ...(refused === undefined ? {} : { code: refused.code, reason: redactText(refused.reason, secrets) }),
      ...(after?.sha256 === undefined ? {} : { sha256: after.sha256 }),
      ...(after === undefined ? {} : { mode: after.mode & 0o777 }),
    });
  }

  changesDiscarded({ restored }: DiscardResult): void {
    this.#add({ kind: "review.discard", restored });
  }

  /** @internal */
  budget(notice: Omit<InferenceBudgetNotice, "kind">): void {
    this.#add({ kind: "inference.budget", ...notice });
  }

  /** @internal */
  approvalRefused({ id, why, by }: RefusedAnswer): void {
    if (this.#closed) return;
    // Whoever sends a forged one chooses its words.
    const question = redactText(id.slice(0, 128), this.secrets());
    const sender = by === undefined ? {} : { by: redactText(by.slice(0, 128), this.secrets()) };
    this.#add({ kind: "approval.refused", question, why, ...sender });
  }

  /** @internal */
  decision(decision: Omit<DecisionRecord, keyof RecordBase | "kind">): void {
    const { argv, subject, inference, ...rest } = decision;
    const secrets = this.secrets();
    this.#add({
      kind: "decision",
      ...rest,
      ...(subject === undefined ? {} : { subject: redactSubject(subject, secrets) }),
      object: redactText(decision.object, secrets),
      reason: redactText(decision.reason, secrets),
      ...(argv === undefined ? {} : { argv: redactArgv(argv, secrets) }),
      ...(inference === undefined ? {} : { inference: redactModel(inference, secrets) }),
    });
  }

  /** Everything from now on happens under another policy. */
  policyChanged(policy: RecordPolicy): void {
    this.#policy = policy;
  }

  /** Tells of something that went wrong without ending the sandbox. */
  problem(error: Error): void {
    this.events.problem(error);
  }

  async #close(reason: string): Promise<void> {
    this.#closed = true;
    this.events.stop(reason);
    await this.#log?.close();
  }

  #logFailed(error: Error): void {
    this.events.problem(error);
    if (this.#mustLog) this.onLogFailure?.();
  }

  #add(body: RecordBody): void {
    const record: AuditRecord = Object.freeze({
      time: new Date().toISOString(),
      sequence: ++this.#sequence,
      sandbox: this.#id,
      policy: this.#policy,
      ...body,
    });
    this.events.record(record);
    this.observer?.(record);
    void this.#log?.append(record);
  }
}

/** The name of a model is whatever a program says. */
function redactModel(facts: InferenceFacts, secrets: readonly KnownSecret[]): InferenceFacts {
  const { model } = facts;
  return model === undefined ? facts : { ...facts, model: redactText(model, secrets) };
}

function redactSubject(subject: Subject, secrets: readonly KnownSecret[]): Subject {
  return { ...subject, ...(subject.binary === undefined ? {} : { binary: redactText(subject.binary, secrets) }) };
}
