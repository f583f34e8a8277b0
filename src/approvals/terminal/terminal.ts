/**
 * The person at the terminal, as an approver: one question at a time.
 *
 * @module
 */
import { stderr, stdin } from "node:process";
import { styleText } from "node:util";
import type { ApprovalAnswer, ApprovalContext, ApprovalRequest, Approver } from "../../hooks/approval-types.ts";
import { questionOf } from "../question.ts";
import { userName } from "../user-name.ts";
import { askLine, clearTerminal, type TerminalStreams } from "./ask-line.ts";
import {
  explanationLines,
  hiddenLines,
  keysLine,
  PAGE_LINES,
  type Paint,
  pageLines,
  questionLines,
  readKey,
} from "./prompt.ts";
import { rowsOf } from "./rows.ts";

/** The options of `terminalApprover`. */
export interface TerminalApproverOptions extends Partial<TerminalStreams> {
  /** Takes the terminal away from whoever uses it before each question; what it gives back returns it. @default nobody does */
  readonly acquire?: () => Promise<() => void> | (() => void);
  /** Who answers, as it is recorded. @default the user of this process */
  readonly by?: string;
}

/**
 * Makes an approver that asks on this process's terminal: the facts, the rule that would allow it, and keys: `o` once, `s` session,
 * `a` always, `d` deny, `ds` deny for the session, `da` deny always, `m` more of a text that is longer than a page, `?` explain.
 *
 * Shape: questions wait for each other. What was typed before one is shown is no answer to it; Ctrl-C and the end of the input
 * are a no. Everything that is shown is escaped and bounded. Colours unless `NO_COLOR` is set. Without a terminal it fails,
 * which is a no.
 *
 * @example
 * ```ts
 * import { createSandbox, terminalApprover } from "cofferdam";
 *
 * await using sandbox = await createSandbox(
 *   { version: 1, filesystem: { write: ["."], ask: ["./CHANGELOG.md"] } },
 *   { workspace: ".", approve: terminalApprover() },
 * );
 * ```
 */
export function terminalApprover(options: TerminalApproverOptions = {}): Approver {
  const { input = stdin, output = stderr, acquire = () => () => undefined, by = userName() } = options;
  const desk = new Desk({ input, output }, acquire, by);
  return (request, context) => desk.ask(request, context);
}

class Desk {
  readonly #streams: TerminalStreams;
  readonly #acquire: NonNullable<TerminalApproverOptions["acquire"]>;
  readonly #by: string;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(streams: TerminalStreams, acquire: NonNullable<TerminalApproverOptions["acquire"]>, by: string) {
    this.#streams = streams;
    this.#acquire = acquire;
    this.#by = by;
  }

  /** Waits for the questions before this one. */
  ask(request: ApprovalRequest, context: ApprovalContext): Promise<ApprovalAnswer | undefined> {
    const { input, output } = this.#streams;
    if (!input.isTTY || !output.isTTY) return Promise.reject(new Error("there is no terminal to ask at"));
    this.#waiting++;
    const answer = this.#turn.then(() => {
      this.#waiting--;
      return context.signal.aborted ? undefined : this.#askNow(request, context);
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #askNow(request: ApprovalRequest, context: ApprovalContext): Promise<ApprovalAnswer | undefined> {
    const release = await this.#acquire();
    const { output } = this.#streams;
    try {
      const question = questionOf(request, context);
      await clearTerminal(this.#streams);
      const rows = this.#say(["", ...questionLines(question, this.#waiting, paintOf(output.isTTY))]);
      // Beside the keys it must stand what is asked.
      if (rows >= output.rows)
        this.#say(rowsOf(questionLines(question, 0, (_, text) => text)[0] ?? "", output.columns).slice(0, 1));
      const answer = await this.#read(question, context.signal);
      if (context.signal.aborted) this.#say(["  nobody waits for the answer any more"]);
      return answer;
    } finally {
      release();
    }
  }

  async #read(question: ReturnType<typeof questionOf>, signal: AbortSignal): Promise<ApprovalAnswer | undefined> {
    let shown = PAGE_LINES;
    for (;;) {
      const typed = await askLine(this.#streams, `  ${keysLine(question, hiddenLines(question, shown))}`, signal);
      if (typed === undefined) return signal.aborted ? undefined : { verdict: "deny", by: this.#by };
      const key = readKey(typed, question.scopes);
      if (key === "explain") this.#say(explanationLines(question));
      else if (key === "more") {
        this.#say(pageLines(question, shown));
        shown += PAGE_LINES;
      } else if (key !== undefined) return { ...key, by: this.#by };
    }
  }

  /** How many rows of the terminal that took. */
  #say(lines: readonly string[]): number {
    const { output } = this.#streams;
    const rows = lines.flatMap((line) => rowsOf(line, output.columns));
    output.write(rows.map((row) => `${row}\n`).join(""));
    return rows.length;
  }
}

function paintOf(isTerminal: boolean): Paint {
  const { NO_COLOR = "", TERM } = process.env;
  const plain = !isTerminal || NO_COLOR !== "" || TERM === "dumb";
  return plain ? (_, text) => text : (look, text) => styleText(look, text, { validateStream: false });
}
