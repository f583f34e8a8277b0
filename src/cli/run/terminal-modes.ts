/**
 * What a program has told the terminal to do, so that it can be told again after a question.
 *
 * @module
 */

/** DEC private modes that a question puts back: the mouse, focus, pasted text, the cursor, another screen. */
const MODES = new Set(["25", "47", "1000", "1002", "1003", "1004", "1005", "1006", "1047", "1049", "2004"]);
const SCREENS = ["47", "1047", "1049"];

/** The longest part of a sequence that two pieces of output may share. */
const CARRY = 64;

/** Follows a program's output. */
export class TerminalModes {
  readonly #on = new Map<string, boolean>();
  #carry = "";

  /** Sees a piece of output. */
  see(bytes: Uint8Array): void {
    const text = this.#carry + Buffer.from(bytes).toString("latin1");
    for (const [, modes = "", end] of text.matchAll(/\u001b\[\?([\d;]{1,60})([hl])/g)) {
      for (const mode of modes.split(";")) if (MODES.has(mode)) this.#on.set(mode, end === "h");
    }
    // What was complete is looked at again, and says the same again.
    this.#carry = text.slice(-CARRY);
  }

  /** Whether the program draws on a screen of its own. */
  get hasScreen(): boolean {
    return SCREENS.some((mode) => this.#on.get(mode) === true);
  }

  /** Says all of it again. */
  again(): string {
    return [...this.#on].map(([mode, on]) => `\u001b[?${mode}${on ? "h" : "l"}`).join("");
  }
}
