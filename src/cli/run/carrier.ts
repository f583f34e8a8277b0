/**
 * Who carries a program's input and output: the terminal that `run` was called in, or the owner of one in the background.
 *
 * @module
 */
import type { Approver, Command, CommandExit, Sandbox, TerminalSize } from "../../mod.ts";
import type { Interruption } from "./interruption.ts";

/** Carries them. */
export interface Carrier {
  /** The terminal that the program gets; undefined: none. */
  readonly terminal: TerminalSize | undefined;
  /** Without one: whether it has an input. */
  readonly input: "pipe" | "ignore";
  /** Who is asked what the policy asks about, where this is not the person at the terminal. */
  readonly approve?: Approver;
  /** Until the program has ended. */
  carry(sandbox: Sandbox, command: Command, interruption: Interruption): Promise<CommandExit>;
}
