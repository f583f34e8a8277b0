/**
 * Whose the terminal is: the program's, or for a while that of whoever asks the person something.
 *
 * @module
 */

/** Uses the terminal, and can be stopped for a while. */
export interface TerminalUser {
  /** Nothing is read or shown from now on. */
  pause(): void;
  resume(): void;
}

/** A process has one terminal. */
let user: TerminalUser | "over" | undefined;
let whenFree: Promise<void> | undefined;

/** The terminal is its until the result is called; after that nobody gets it for a question any more. */
export function useTerminal(next: TerminalUser): () => void {
  user = next;
  return () => {
    user = "over";
  };
}

/** Takes the terminal away; the result gives it back. Throws where the program has ended: then it is for the review. */
export function takeTerminal(): () => void {
  if (user === "over") throw new Error("the program has ended");
  const paused = user;
  paused?.pause();
  let free: () => void = () => undefined;
  whenFree = new Promise((resolve) => {
    free = resolve;
  });
  return () => {
    whenFree = undefined;
    free();
    if (user === paused) paused?.resume();
  };
}

/** Waits while a question is on the terminal. */
export async function terminalFree(): Promise<void> {
  while (whenFree !== undefined) await whenFree;
}
