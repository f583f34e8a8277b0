/**
 * How the parts of a sandbox say what happened.
 *
 * @module
 */
import type { KnownSecret, PortConnection } from "../audit/mod.ts";
import type { SandboxError } from "../errors.ts";
import type { CommandExit, Text } from "./types.ts";

/** Where records go beside the sandbox's own memory. */
export interface AuditOptions {
  /** A JSON Lines file with a hash chain: made with mode 0600, or continued. `verifyAuditLog` checks it. */
  readonly file: string;
  /**
   * What becomes of the sandbox when the file can no longer be written: it ends, or it goes on and a `problem` event says
   * so.
   *
   * @default "stop"
   */
  readonly onFailure?: "stop" | "report";
}

/** What commands, files and ports report. */
export interface ExecAudit {
  /** What must not be written down. */
  secrets(): readonly KnownSecret[];
  commandStarted(argv: readonly Text[], pid: number): void;
  commandEnded(argv: readonly Text[], exit: CommandExit): void;
  commandRefused(argv: readonly Text[], error: SandboxError<"EXEC_FAILED">): void;
  fileRefused(operation: string, path: Uint8Array, error: SandboxError): void;
  portConnection(connection: Omit<PortConnection, "kind">): void;
}
