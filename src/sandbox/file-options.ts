/**
 * The options of `sandbox.files`.
 *
 * @module
 */

/** What every operation takes. */
export interface FileOptions {
  /** Ends the operation. */
  readonly signal?: AbortSignal;
}

/** The options of reading a whole file. */
export interface ReadOptions extends FileOptions {
  /** The most that is read; a longer file is an error. @default 67108864 */
  readonly maxBytes?: number;
}

/** The options of reading a part as a stream, in bytes. */
export interface ReadStreamOptions extends FileOptions {
  /** @default 0 */
  readonly offset?: number;
  /** @default to the end */
  readonly length?: number;
}

/** The options of writing. */
export interface WriteOptions extends FileOptions {
  /** Writes behind what is there. @default false */
  readonly append?: boolean;
  /** Fails if the file exists. @default false */
  readonly exclusive?: boolean;
  /** Makes the folders above it. @default false */
  readonly createParents?: boolean;
  /** Permission bits of a new file. @default 0o644 */
  readonly mode?: number;
}
