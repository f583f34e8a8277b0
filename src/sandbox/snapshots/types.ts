/**
 * The types of snapshots.
 *
 * @module
 */
import type { RuntimeName, WorkspaceMode } from "../../runtimes/runtime.ts";

/** One folder or file of a snapshot. */
export interface SnapshotPart {
  /** Absolute in the sandbox. */
  readonly path: string;
  readonly kind: "directory" | "file";
  /** Of its archive (a folder's) or content (a file's): hexadecimal. */
  readonly sha256: string;
  /** Of the archive or content. */
  readonly bytes: number;
}

/** What a snapshot is, and what made it: its lockfile. */
export interface Snapshot {
  readonly version: 1;
  /** The first 32 hexadecimal digits of the SHA-256 of everything else here. */
  readonly id: string;
  readonly label?: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly sandbox: string;
  readonly runtime: RuntimeName;
  /** What the engine ran, where it was named. */
  readonly image?: string;
  /** The image that ran, by content, whatever its name means by now: `sha256:` and hexadecimal digits. */
  readonly imageId?: string;
  /** Of the policy in force: `sha256:` and hexadecimal digits. */
  readonly policy: string;
  /** The snapshot that the sandbox was last restored from. */
  readonly parent?: string;
  readonly workspace: WorkspaceMode | "empty";
  readonly volumes: readonly { readonly name: string; readonly path: string }[];
  /** Parents before children. */
  readonly parts: readonly SnapshotPart[];
  /** Entries that are in no archive: FIFOs, sockets, what the agent itself cannot read. */
  readonly skipped: number;
}

/** What becomes of running commands. */
export interface QuietOptions {
  /** `kill`: they are ended. Otherwise they are an error: files that change meanwhile would be torn. @default an error */
  readonly running?: "kill";
  /** Ends the operation. */
  readonly signal?: AbortSignal;
}

/** The options of `snapshot`. */
export interface SnapshotOptions extends QuietOptions {
  /** For people: at most 200 characters. */
  readonly label?: string;
  /** The most that each folder may hold, in bytes; more is an error. @default 1073741824 */
  readonly maxBytes?: number;
}
