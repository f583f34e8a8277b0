/**
 * Why a stage did not pass.
 *
 * @module
 */
import { displaySafe } from "../audit/mod.ts";
import { SandboxError } from "../errors.ts";
import type { FailureCode } from "./types.ts";

const REASON_MAX = 2000;

/** A stage failed. Its reason may be shown in a terminal. */
export class StageFailure extends Error {
  override readonly name = "StageFailure";
  readonly code: FailureCode;
  /** The same as it was written. */
  readonly raw: string;

  constructor(code: FailureCode, reason: string, cause?: unknown) {
    super(shown(reason), cause === undefined ? undefined : { cause });
    this.code = code;
    this.raw = reason;
  }

  /** The same without secrets: they go before its reason is escaped and cut. */
  scrubbed(scrub: (text: string) => string): StageFailure {
    return new StageFailure(this.code, scrub(this.raw), this.cause);
  }
}

/** What an error of a stage is: `otherwise`, unless it says so itself. */
export function stageFailure(error: unknown, otherwise: FailureCode): StageFailure {
  if (error instanceof StageFailure) return error;
  const code = SandboxError.is(error, "ARTIFACT_CHANGED") ? "artifact" : otherwise;
  const hint = SandboxError.is(error) && error.hint !== undefined ? `. ${error.hint}` : "";
  return new StageFailure(code, `${error instanceof Error ? error.message : String(error)}${hint}`, error);
}

function shown(reason: string): string {
  const safe = displaySafe(reason);
  return safe.length > REASON_MAX ? `${safe.slice(0, REASON_MAX)}[cut: ${safe.length - REASON_MAX} characters]` : safe;
}
