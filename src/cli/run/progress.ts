/**
 * Shows that something takes long.
 *
 * @module
 */
import { aside } from "../write.ts";

/** After how long a wait is shown, in milliseconds. */
const SHOWN_AFTER_MS = 1000;
const TICK_MS = 120;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Waits for something; a person hears of it where that takes over a second. */
export async function isUnderWay<T>(
  what: string,
  work: Promise<T>,
  { quiet, json }: { readonly quiet?: boolean; readonly json?: boolean },
): Promise<T> {
  if (quiet || json) return work;
  const { stderr } = process;
  let ticker: ReturnType<typeof setInterval> | undefined;
  const later = setTimeout(() => {
    if (!stderr.isTTY) return aside(`${what} ...`);
    let turn = 0;
    ticker = setInterval(() => stderr.write(`\r${FRAMES[turn++ % FRAMES.length]} ${what} `), TICK_MS);
  }, SHOWN_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(later);
    clearInterval(ticker);
    if (ticker !== undefined) stderr.write("\r\u001b[K");
  }
}
