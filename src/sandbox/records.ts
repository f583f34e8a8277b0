/**
 * The records of one sandbox: numbered, kept, told to listeners, and sent to the log.
 *
 * @module
 */
import type { AuditRecord, RecordBody } from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import type { AuditOptions, ExecAudit } from "./audit.ts";
import type { Enforcement } from "./enforcement.ts";
import { SandboxEvents } from "./events.ts";
import type { CommandExit, Text } from "./types.ts";

/** How many decisions a sandbox keeps for `decisions()`. */
const DECISIONS_MAX = 10_000;

/** Writes the records of one sandbox. */
export class SandboxRecords implements ExecAudit {
  readonly events: SandboxEvents = new SandboxEvents();
  readonly #id: string;
  readonly #policy: { readonly digest: string; readonly generation: number };
  readonly #decisions: AuditRecord[] = [];
  readonly #started = performance.now();
  #sequence = 0;

  private constructor(id: string, digest: string) {
    this.#id = id;
    this.#policy = { digest, generation: 1 };
  }

  static async open(id: string, digest: string, _options: AuditOptions | undefined): Promise<SandboxRecords> {
    return new SandboxRecords(id, digest);
  }

  /** The decisions so far, the newest last. */
  decisions(): readonly AuditRecord[] {
    return [...this.#decisions];
  }

  sandboxStarted(enforcement: Enforcement): void {
    const { runtime, mode } = enforcement;
    this.#add({ kind: "sandbox.start", runtime, mode, enforcement: { ...enforcement } });
  }

  async startFailed(error: unknown): Promise<void> {
    const code = SandboxError.is(error) ? error.code : "UNKNOWN";
    this.#add({ kind: "sandbox.failed", code, reason: error instanceof Error ? error.message : String(error) });
    await this.#close("the start failed");
  }

  async sandboxEnded(reason: string): Promise<void> {
    this.#add({ kind: "sandbox.end", reason, durationMs: Math.round(performance.now() - this.#started) });
    await this.#close(reason);
  }

  commandStarted(argv: readonly Text[], pid: number): void {
    this.#add({ kind: "command.start", argv: recordedArgv(argv), pid });
  }

  commandEnded(argv: readonly Text[], exit: CommandExit): void {
    this.#add({ kind: "command.end", argv: recordedArgv(argv), ...exit, durationMs: Math.round(exit.durationMs) });
  }

  commandRefused(argv: readonly Text[], { details }: SandboxError<"EXEC_FAILED">): void {
    this.#add({ kind: "command.failed", argv: recordedArgv(argv), errno: details.errno, stage: details.stage });
  }

  fileRefused(operation: string, path: Uint8Array, error: SandboxError): void {
    this.#add({
      kind: "decision",
      domain: "filesystem",
      operation: `files.${operation}`,
      object: Buffer.from(path).toString(),
      verdict: "deny",
      decidedBy: { kind: "floor" },
      reason: error.message,
    });
  }

  async #close(reason: string): Promise<void> {
    this.events.stop(reason);
  }

  #add(body: RecordBody): void {
    const record: AuditRecord = Object.freeze({
      time: new Date().toISOString(),
      sequence: ++this.#sequence,
      sandbox: this.#id,
      policy: this.#policy,
      ...body,
    });
    if (record.kind === "decision") {
      this.#decisions.push(record);
      if (this.#decisions.length > DECISIONS_MAX) this.#decisions.shift();
    }
    this.events.record(record);
  }
}

function recordedArgv(argv: readonly Text[]): string[] {
  return argv
    .slice(0, 256)
    .map((word) => (typeof word === "string" ? word : Buffer.from(word).toString()).slice(0, 4096));
}
