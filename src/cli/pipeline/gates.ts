/**
 * Gates at the terminal; and where there is none, what there is to see.
 *
 * @module
 */
import type { GateApprover, GateRequest } from "../../mod.ts";
import { askLine, clearTerminal } from "../run/ask-line.ts";
import { type Look, styleOf } from "../style.ts";
import { note } from "../write.ts";
import type { PipelineFlags } from "./flags.ts";

/** Who is asked at gates that name nobody. */
export function gateApprover(flags: PipelineFlags): GateApprover {
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (flags.ask !== false && isTerminal) return oneAtATime(askPerson);
  return (request) => {
    if (!flags.quiet && !flags.json) for (const line of shownLines(request)) note(line);
    return "wait";
  };
}

/** Two questions on one screen would be answered by one person who reads one of them. */
function oneAtATime(approve: GateApprover): GateApprover {
  let last: Promise<unknown> = Promise.resolve();
  return (request, context) => {
    const next = last.then(() => approve(request, context));
    last = next.catch(() => undefined);
    return next;
  };
}

const askPerson: GateApprover = async (request, { signal }) => {
  if (signal.aborted) return "wait";
  // What was typed before it was shown is no answer to it.
  await clearTerminal();
  for (const line of shownLines(request)) note(line);
  const style = styleOf(process.stderr);
  const question = `${style("bold", `Let "${request.stage}" through?`)} [y]es, [n]o, [l]ater: `;
  for (;;) {
    const answer = (await askLine(question, signal))?.trim().toLowerCase();
    if (answer === "y" || answer === "yes") return { approved: true, by: "terminal" };
    if (answer === "n" || answer === "no") return { approved: false, by: "terminal" };
    // The end of the input, and Ctrl-C, are neither.
    if (answer === undefined || answer === "l" || answer === "later") return "wait";
  }
};

function shownLines({ stage, on, text, digest, deadline }: GateRequest): string[] {
  const style = styleOf(process.stderr);
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const look: Look | undefined = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : undefined;
      return look === undefined ? line : style(look, line);
    });
  return [
    style("bold", `The gate of "${stage}" (${on}), until ${deadline}:`),
    ...lines,
    style("dim", `${stage}@${digest}`),
  ];
}
