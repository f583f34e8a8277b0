/**
 * The present tree of a sandbox's workspace, as a review sees it. All of it is hostile, and may change at any moment.
 *
 * @module
 */

/** What an entry is now. */
export interface ScannedEntry {
  /** Below the workspace, as Latin-1: names are bytes. Its components are plain names. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink" | "special";
  readonly mode: number;
  readonly size: number;
  /** 0 where it is not known. */
  readonly inode: number;
  readonly ctimeMs: number;
  readonly target?: Buffer;
  /** Of a file whose change time is past the one that was asked about, in hexadecimal digits. */
  readonly sha256?: string;
  readonly problem?: "unreadable" | "too-large" | "too-deep";
}

/** How to look. */
export interface ScanOptions {
  /** Files that changed after this are hashed, in milliseconds since 1970; 0: all. */
  readonly sinceMs: number;
  readonly maxFileBytes: number;
  readonly signal?: AbortSignal;
}

/** A way to read the present tree, and to put parts of it back, that no link in it can lead astray. Paths are Latin-1. */
export interface Tree {
  /** Everything at and below a path, some at a time; nothing where nothing is. */
  scan(root: string, options: ScanOptions): AsyncIterable<readonly ScannedEntry[]>;
  /** The content of a file, at most `maxBytes` and one more. */
  read(path: string, maxBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Removes whatever is there, a whole tree if need be. */
  remove(path: string): Promise<void>;
  /** Makes a file where nothing is, and the folders above it. */
  write(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes a symlink where nothing is. */
  link(path: string, target: Buffer): Promise<void>;
}
