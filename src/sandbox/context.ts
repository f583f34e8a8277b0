/**
 * What the parts of a sandbox share.
 *
 * @module
 */

import type { Link } from "../link/link.ts";
import type { ExecAudit } from "./audit.ts";
import type { Variables } from "./environment.ts";

/** The running sandbox, as its parts see it. */
export interface SandboxContext {
  readonly id: string;
  readonly link: Link;
  readonly environment: Variables;
  /** The longest that a command may run, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly audit: ExecAudit;
}
