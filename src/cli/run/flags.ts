/**
 * The options of `run`, as they were typed.
 *
 * @module
 */

import type { RecipeFlags } from "../recipe/flags.ts";

/** A folder that outlives the sandbox, as it was typed. */
export interface VolumeFlag {
  readonly name: string;
  readonly path: string;
  readonly mode: "write" | "read";
}

/** See `cofferdam run --help`. */
export interface RunFlags extends RecipeFlags {
  readonly policy?: string;
  /** `false`: none. */
  readonly workspace: string | false;
  readonly mode?: "overlay" | "copy" | "mount";
  readonly runtime: "auto" | "local" | "docker";
  readonly from?: string;
  readonly env?: readonly string[];
  readonly volume?: readonly VolumeFlag[];
  /** In milliseconds. */
  readonly timeout?: number;
  readonly audit?: string;
  /** Who is asked. @default `terminal` where there is one */
  readonly approve?: "terminal" | "never";
  /** A reviewed policy whose rules answer. */
  readonly approved?: string;
  /** Where rules for always go. */
  readonly approvals?: string;
  /** `false`: none beside those of the policy. */
  readonly credentials?: boolean;
  /** `true`: all. */
  readonly apply?: true | readonly string[];
  readonly discard?: boolean;
  readonly patch?: string;
  readonly report?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly tty?: boolean;
  /** In the background. */
  readonly detach?: boolean;
  /** As in the background, but by this process itself. */
  readonly foreground?: boolean;
  /** Only writes a service that does it. */
  readonly unit?: boolean;
  readonly name?: string;
}
