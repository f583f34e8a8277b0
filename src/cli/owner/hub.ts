/**
 * What a program in the background prints, for all who look at it: the log, and everybody who is attached.
 *
 * @module
 */

/** Somebody who looks. False: it cannot keep up, or has gone. */
export type Viewer = (channel: "stdout" | "stderr", bytes: Uint8Array) => boolean;

/** How much of what came before is shown to who comes later, in bytes. */
const SHOWN_MAX = 65_536;

/** Passes output on. Nobody who is slow holds the program up. */
export class OutputHub {
  readonly #viewers = new Set<Viewer>();
  readonly #log: (bytes: Uint8Array) => void;
  #last: Uint8Array[] = [];
  #size = 0;

  constructor(log: (bytes: Uint8Array) => void) {
    this.#log = log;
  }

  write(channel: "stdout" | "stderr", bytes: Uint8Array): void {
    this.#log(bytes);
    this.#last.push(bytes);
    this.#size += bytes.length;
    while (this.#size > SHOWN_MAX && this.#last.length > 1) this.#size -= this.#last.shift()?.length ?? 0;
    for (const viewer of this.#viewers) if (!viewer(channel, bytes)) this.#viewers.delete(viewer);
  }

  /** Shows what came last, and then what comes; the result ends that. */
  add(viewer: Viewer): () => void {
    for (const bytes of this.#last) viewer("stdout", bytes);
    this.#viewers.add(viewer);
    return () => this.#viewers.delete(viewer);
  }

  /** How many look. */
  get viewers(): number {
    return this.#viewers.size;
  }
}
