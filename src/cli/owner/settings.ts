/**
 * What the process that a person called tells the one that stays, and what it hears of it.
 *
 * @module
 */
import type { RunFlags } from "../run/flags.ts";

/** What is to run. */
export interface OwnerSettings {
  readonly name: string;
  readonly argv: readonly string[];
  readonly flags: RunFlags;
  /** Of the terminal that it was called from. */
  readonly size: { readonly rows: number; readonly columns: number };
}

/** What the process that stays is told. */
export interface OwnerOrder extends OwnerSettings {
  /** Who has claimed the name for it. */
  readonly starter: string;
}

/** The one line that the owner says before it is on its own. */
export type OwnerWord =
  | {
      readonly ready: {
        readonly name: string;
        readonly sandbox: string;
        readonly runtime: string;
        readonly pid: number;
      };
    }
  | { readonly failed: { readonly message: string; readonly hint?: string; readonly exitCode: number } };
