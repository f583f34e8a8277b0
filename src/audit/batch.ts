/**
 * Lines on their way to a sink: gathered while the sink is busy, then written together.
 *
 * @module
 */
import type { SealedLine } from "./line.ts";

/** Some lines, and the promise of what became of them. */
export class Batch {
  readonly lines: string[] = [];
  /** Whether the sink took them. Never rejects. */
  readonly written: Promise<boolean>;
  settle: (written: boolean) => void = () => undefined;
  bytes = 0;
  /** How many of the lines are records, and not the log's own. */
  records = 0;
  last: { readonly index: number; readonly hash: string } | undefined;

  constructor() {
    this.written = new Promise((resolve) => {
      this.settle = resolve;
    });
  }

  add(line: SealedLine, index: number, isRecord: boolean): void {
    this.lines.push(line.text);
    this.bytes += line.bytes;
    if (isRecord) this.records++;
    this.last = { index, hash: line.hash };
  }
}
