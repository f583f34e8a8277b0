/**
 * Where a log's lines go.
 *
 * @module
 */

/** Takes the lines of a log. A log calls it for one batch at a time, in order. */
export interface AuditSink {
  /** The hash of the line that this sink ends with, where a log is continued. */
  readonly previous?: string;
  /** Takes lines without their ends; settles when they are taken, and the next batch waits for that. */
  write(lines: readonly string[]): void | Promise<void>;
  /** Makes what was taken durable; nothing comes after it. */
  close?(): void | Promise<void>;
}
