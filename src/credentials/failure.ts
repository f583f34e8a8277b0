/**
 * What went wrong with a credential, without a word of it.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";

/** The error of one that cannot be had. `reason` is the end of a sentence, and never holds what a source said. */
export function unavailable(
  credential: string,
  reason: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): SandboxError<"CREDENTIAL_UNAVAILABLE"> {
  return new SandboxError("CREDENTIAL_UNAVAILABLE", `Cannot use the credential "${credential}": ${reason}`, {
    details: { credential, reason },
    ...options,
  });
}
