/**
 * Who is asked in a sandbox of the command line. What is needed for a question is loaded when there is one.
 *
 * @module
 */
import type { Approver } from "../../mod.ts";
import { UsageError } from "../failure.ts";
import type { RunFlags } from "./flags.ts";
import { takeTerminal } from "./terminal-turn.ts";

/** The approver that the options name; undefined: nobody. `elsewhere`: who is asked in the place of the person at the terminal. */
export async function approverOf(
  { approve, approved }: Pick<RunFlags, "approve" | "approved">,
  elsewhere?: Approver,
): Promise<Approver | undefined> {
  const isInteractive = elsewhere === undefined && process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (approve === "terminal" && !isInteractive) throw new UsageError("--approve terminal needs a terminal");
  const anybody = isInteractive ? askPerson() : elsewhere;
  const person = approve === "never" ? undefined : anybody;
  if (approved === undefined) return person;
  const { approveByPolicy, firstAnswer, loadPolicy } = await import("../../mod.ts");
  const reviewed = approveByPolicy(await loadPolicy(approved));
  return person === undefined ? reviewed : firstAnswer(reviewed, person);
}

function askPerson(): Approver {
  let loaded: Promise<Approver> | undefined;
  return async (request, context) => {
    loaded ??= import("../../approvals/terminal/terminal.ts").then(({ terminalApprover }) =>
      terminalApprover({ acquire: takeTerminal }),
    );
    return (await loaded)(request, context);
  };
}
