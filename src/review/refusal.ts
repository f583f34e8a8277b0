/**
 * Why one change is not applied, as something to throw.
 *
 * @module
 */
import type { RefusalCode } from "./types.ts";

/** Ends the application of one change, and of no other. */
export class Refusal extends Error {
  override readonly name: string = "Refusal";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
