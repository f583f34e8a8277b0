/**
 * How many decisions run at one time, and how many wait for that: fairly, for a command that asks a great deal must not
 * keep the others from being answered.
 *
 * @module
 */

/** Something that waits for its turn. */
export interface Waiter {
  /** Whose it is. Absent: nobody's in particular, and bounded by the gate alone. */
  readonly command?: number | undefined;
  /** Its turn has come: it holds a place, and leaves. */
  start(): void;
  /** There will be no turn. */
  cancel(): void;
}

/** A command may have so many times what it leaves to others. */
const SHARE = 3;

/** A number of places, and a line before them: first come, first served, but that commands take turns. */
export class Gate {
  readonly #places: number;
  readonly #longest: number;
  /** By command, in the order of their turns; none is empty. */
  readonly #lines = new Map<number | undefined, Set<Waiter>>();
  readonly #held = new Map<number | undefined, number>();
  #taken = 0;
  #waiting = 0;
  #serving = false;

  constructor(places: number, longest: number) {
    this.#places = places;
    this.#longest = longest;
  }

  /** Takes a place, unless none is free for the command or others of it were first. */
  enter(command?: number): boolean {
    if (this.#lines.has(command) || !this.#mayHold(command)) return false;
    this.#take(command);
    return true;
  }

  /** Stands in line; false: it is too long already. */
  wait(waiter: Waiter): boolean {
    const { command } = waiter;
    const line = this.#lines.get(command) ?? new Set<Waiter>();
    if (!isFair(command, line.size, this.#longest - this.#waiting)) return false;
    this.#lines.set(command, line.add(waiter));
    this.#waiting++;
    return true;
  }

  /** Steps out of the line. */
  forget(waiter: Waiter): void {
    const line = this.#lines.get(waiter.command);
    if (line === undefined || !line.delete(waiter)) return;
    this.#waiting--;
    if (line.size === 0) this.#lines.delete(waiter.command);
  }

  /** Gives a place back. */
  leave(command?: number): void {
    this.#taken--;
    const held = (this.#held.get(command) ?? 1) - 1;
    if (held > 0) this.#held.set(command, held);
    else this.#held.delete(command);
    // Who is served may leave at once: a loop, for a recursion would be as deep as the line is long.
    if (this.#serving) return;
    this.#serving = true;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) next.start();
    } finally {
      this.#serving = false;
    }
  }

  /** Sends everybody in the line away. */
  close(): void {
    const waiting = [...this.#lines.values()].flatMap((line) => [...line]);
    this.#lines.clear();
    this.#waiting = 0;
    for (const waiter of waiting) waiter.cancel();
  }

  #mayHold(command: number | undefined): boolean {
    return isFair(command, this.#held.get(command) ?? 0, this.#places - this.#taken);
  }

  #take(command: number | undefined): void {
    this.#taken++;
    this.#held.set(command, (this.#held.get(command) ?? 0) + 1);
  }

  #next(): Waiter | undefined {
    for (const [command, line] of this.#lines) {
      const [first] = line;
      if (first === undefined || !this.#mayHold(command)) continue;
      this.forget(first);
      // The others' turn is first now.
      if (this.#lines.delete(command)) this.#lines.set(command, line);
      this.#take(command);
      return first;
    }
    return undefined;
  }
}

/** Whether a command that has so many may have one more of those that are free. */
function isFair(command: number | undefined, has: number, free: number): boolean {
  return free > 0 && (command === undefined || has < SHARE * free);
}
