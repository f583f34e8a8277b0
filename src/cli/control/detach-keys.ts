/**
 * The keys that leave a program that one is attached to.
 *
 * @module
 */
import { UsageError } from "../failure.ts";

/** Left to the program, and whether the keys were typed. */
export interface Typed {
  readonly bytes: Buffer;
  readonly detached: boolean;
}

/** Reads keys such as `ctrl-p,ctrl-q`: letters, and letters with ctrl. */
export function parseKeys(text: string): Buffer {
  const codes = text.split(",").map((key) => {
    const [, control] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new UsageError(`Cannot detach with ${JSON.stringify(key)}: name keys such as ctrl-p,ctrl-q`);
  });
  return Buffer.from(codes);
}

/** Looks for the keys in what is typed. What may be their beginning waits for the next key. */
export class DetachKeys {
  readonly #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  take(typed: Buffer): Typed {
    const kept: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { bytes: Buffer.from(kept), detached: true };
        continue;
      }
      kept.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) kept.push(byte);
    }
    return { bytes: Buffer.from(kept), detached: false };
  }
}
