/**
 * The options of `run`, as they were typed.
 *
 * @module
 */

/** See `cofferdam run --help`. */
export interface RunFlags {
  readonly policy?: string;
  /** `false`: none. */
  readonly workspace: string | false;
  readonly mode?: "overlay" | "copy" | "mount";
  readonly runtime: "auto" | "local" | "docker";
  readonly from?: string;
  readonly env?: readonly string[];
  /** In milliseconds. */
  readonly timeout?: number;
  readonly audit?: string;
  /** `true`: all. */
  readonly apply?: true | readonly string[];
  readonly discard?: boolean;
  readonly patch?: string;
  readonly report?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly tty?: boolean;
}
