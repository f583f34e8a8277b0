/**
 * What the parts of a sandbox share.
 *
 * @module
 */

import type { Link } from "../link/link.ts";
import type { ExecAudit } from "./audit.ts";
import type { Variables } from "./environment.ts";
import type { Slots } from "./ports/slots.ts";

/** A program that runs. */
export interface RunningProgram {
  kill(): void;
  readonly gone: Promise<void>;
}

/** The running sandbox, as its parts see it. */
export interface SandboxContext {
  readonly id: string;
  readonly link: Link;
  readonly environment: Variables;
  /** The longest that a command may run, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** The programs that run, to be killed where a policy says so. */
  readonly running: Set<RunningProgram>;
  /** The operations of `files` that run, by their numbers on the link. */
  readonly fileStreams: Set<number>;
  /** The places of connections to its ports. */
  readonly connections: Slots;
  /** The places of watches of its folders. */
  readonly watches: Slots;
  readonly audit: ExecAudit;
}
