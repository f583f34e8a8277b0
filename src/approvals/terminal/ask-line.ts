/**
 * A question to the person at a terminal.
 *
 * @module
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { ReadStream, WriteStream } from "node:tty";

/** Both directions of a terminal. */
export interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

/** How long what was typed ahead, or a terminal's own answers, may take to come, in milliseconds. */
const AHEAD_MS = 150;

/** Whoever is typing has not seen a question: it is shown when no key has come for so long, in milliseconds. */
const QUIET_MS = 400;

/** Ends whatever sequence of control characters a program has begun (CAN, ST), so that nothing swallows what follows. */
const CANCEL = "\u0018\u001b\\";

/**
 * Ends what a program may have left behind: colours and hidden text, another character set, a part of the screen that alone
 * scrolls, changed palettes, reports of the mouse (DECSTR, SCS, OSC 104, 110 and 111, and DEC private modes).
 */
const RESET =
  `${CANCEL}\u001b[!p\u001b[0m\u001b(B\u000f\u001b]104\u001b\\\u001b]110\u001b\\\u001b]111\u001b\\` +
  "\u001b[?1000;1002;1003;1006;2004l\u001b[?25h";

/** Makes the terminal fit for a question: what was typed for a program is no answer to it. */
export async function clearTerminal({ input, output }: TerminalStreams): Promise<void> {
  output.write(RESET);
  let hasTyped = false;
  const drop = () => {
    hasTyped = true;
  };
  input.setRawMode(true);
  input.on("data", drop).resume();
  await sleep(AHEAD_MS);
  while (hasTyped) {
    hasTyped = false;
    await sleep(QUIET_MS);
  }
  input.off("data", drop).pause();
  input.setRawMode(false);
}

/** Asks; undefined: the input ended, Ctrl-C was typed, or nobody waits any more. */
export function askLine(
  { input, output }: TerminalStreams,
  question: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const lines = createInterface({ input, output, terminal: true, historySize: 0 });
    const finish = (answer: string | undefined): void => {
      signal.removeEventListener("abort", abort);
      // First: closing says that it is over, too.
      resolve(answer);
      lines.close();
    };
    const abort = () => finish(undefined);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    lines.once("SIGINT", () => {
      output.write("\n");
      finish(undefined);
    });
    lines.once("close", () => finish(undefined));
    lines.question(question, finish);
  });
}
