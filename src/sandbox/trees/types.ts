/**
 * The types of moving whole trees in and out of a sandbox.
 *
 * @module
 */
import type { FileOptions } from "../file-options.ts";
import type { InputData, Text } from "../types.ts";

/** How much a tree may be. */
export interface TreeLimits extends FileOptions {
  /** The most that all files together may hold, in bytes; more is an error. @default 1073741824 */
  readonly maxBytes?: number;
  /** The most files, folders and links; more is an error. @default 1000000 */
  readonly maxEntries?: number;
}

/** An entry of a tree that is made up by its caller. Folders above it are made where they are missing. */
export interface TreeEntry {
  /** Below the top: no `..`, no leading `/`. */
  readonly path: Text;
  /** @default "file" */
  readonly kind?: "file" | "directory" | "symlink";
  /** Of a file. @default empty */
  readonly content?: InputData;
  /** Of a symlink: what it says. */
  readonly target?: Text;
  /** Permission bits; others are dropped. @default 0o644, and 0o755 for a folder */
  readonly mode?: number;
  /** In milliseconds since 1970. @default now */
  readonly mtimeMs?: number;
}

/** Where a tree comes from: a folder of the host, a tar archive, or entries. */
export type TreeSource = string | ReadableStream<Uint8Array> | Iterable<TreeEntry> | AsyncIterable<TreeEntry>;

/** The options of `upload`. */
export interface UploadOptions extends TreeLimits {
  /** Fails where something is in the way, instead of replacing it. Folders are never in the way. @default false */
  readonly exclusive?: boolean;
}

/** Something that was not downloaded. */
export interface SkippedEntry {
  /** Below the top, as UTF-8; what is not is replaced. */
  readonly path: string;
  /** Why: `EACCES` for what the policy keeps from the agent, `EINVAL` for a FIFO, a socket or a device, and others. */
  readonly errno: string;
}

/** The options of every download. */
export interface DownloadTarOptions extends TreeLimits {
  /** Hears of what is passed over. */
  readonly onSkip?: (skipped: SkippedEntry) => void;
}

/** The options of `download`. */
export interface DownloadOptions extends DownloadTarOptions {
  /** Replaces what is in the way; otherwise the folder must be new, or empty. @default false */
  readonly overwrite?: boolean;
}

/** What was moved. */
export interface TreeSummary {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** What all files hold together. */
  readonly bytes: number;
  /** What was passed over: see `onSkip`. Of an upload: what of a folder cannot be read, or is no file, folder or link. */
  readonly skipped: number;
}
