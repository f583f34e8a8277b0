/**
 * What comes of a claimed act, and where.
 *
 * @module
 */

/** The runtimes that claims are tried on. */
export type ClaimRuntime = "local" | "memory" | "docker";

/** What came of an act. `failed`: neither allowed nor denied, so nothing is shown. */
export interface TrialResult {
  readonly outcome: "done" | "denied" | "failed";
  readonly said: string;
}
