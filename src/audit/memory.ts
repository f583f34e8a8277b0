/**
 * A log's lines in memory.
 *
 * @module
 */
import type { AuditSink } from "./sink.ts";

/** A sink in memory. */
export interface MemorySink extends AuditSink {
  /** The newest lines, the oldest first. */
  lines(): readonly string[];
  /** How many older lines it has forgotten. */
  readonly forgotten: number;
}

/**
 * A sink that keeps the newest lines in memory.
 *
 * Units: `capacity` in lines. Defaults: 10,000 lines.
 *
 * @example
 * ```ts
 * import { createAuditLog, createMemorySink, verifyAuditLog } from "cofferdam";
 *
 * const sink = createMemorySink();
 * await createAuditLog({ sink }).close();
 * console.log(await verifyAuditLog(sink.lines()));
 * ```
 */
export function createMemorySink(options: { readonly capacity?: number } = {}): MemorySink {
  const { capacity = 10_000 } = options;
  const lines: string[] = [];
  let forgotten = 0;
  return {
    write(batch) {
      for (const line of batch) lines.push(line);
      forgotten += lines.splice(0, Math.max(0, lines.length - capacity)).length;
    },
    lines: () => [...lines],
    get forgotten() {
      return forgotten;
    },
  };
}
