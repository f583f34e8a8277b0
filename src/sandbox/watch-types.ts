/**
 * The types of watching a folder of a sandbox.
 *
 * @module
 */
import type { FileOptions } from "./file-options.ts";

/** The options of `watch`. */
export interface WatchOptions extends FileOptions {
  /** Whether what is below is watched too, folders that are made later included. @default false */
  readonly recursive?: boolean;
}

/** Something changed. Paths are below the folder that is watched. */
export interface FileChange {
  /** `deleted` with an empty path: the folder itself is gone, and nothing follows. */
  readonly kind: "created" | "modified" | "deleted" | "renamed";
  /** As UTF-8; what is not is replaced, and only `pathBytes` is exact. */
  readonly path: string;
  readonly pathBytes: Uint8Array;
  /** Of `renamed`: what it was called. */
  readonly from?: string;
  readonly fromBytes?: Uint8Array;
  readonly isDirectory: boolean;
}

/** Changes were lost: there were more than somebody read, or more folders than can be watched. Look at the folder itself. */
export interface ChangesLost {
  readonly kind: "overflow";
}

/** A folder that is watched, until its scope ends, it is left, or the sandbox stops. Iterate over it once. */
export interface FileWatch extends AsyncIterable<FileChange | ChangesLost>, AsyncDisposable {
  /** Ends it. Idempotent. */
  close(): Promise<void>;
}
