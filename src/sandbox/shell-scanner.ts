/**
 * Follows the quoting of shell source, as far as it must to say where it stands.
 *
 * @module
 */

/** What the source is inside of. `source` and `substitution` are the places where words are. */
type Context = "source" | "substitution" | "single" | "double" | "parameter" | "arithmetic" | "subscript" | "comment";

/** What each context is called in an error. */
const PLACES: Readonly<Record<Exclude<Context, "source" | "substitution">, string>> = {
  single: "single quotes",
  double: "double quotes",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
  parameter: "a ${...} of the shell",
  arithmetic: "arithmetic, which would compute it",
  subscript: "a subscript, which would compute it",
  comment: "a comment",
};

/** Reads shell source piece by piece. It errs to the side of saying that a place is no place for a word. */
export class ShellScanner {
  readonly #contexts: Context[] = ["source"];
  /** Why nothing after it is a place for a word. */
  #lost: string | undefined;
  #text = "";
  #at = 0;
  #wordStart = true;
  #parentheses = 0;

  /** Reads the next piece. */
  feed(text: string): void {
    this.#text = text;
    for (this.#at = 0; this.#at < text.length && this.#lost === undefined; ) this.#step();
  }

  /** A word in double quotes stands here, and was not part of what was fed. */
  word(): void {
    this.#wordStart = false;
  }

  /** Where the source stands, if that is no place for a word by itself. */
  place(): string | undefined {
    if (this.#lost !== undefined) return this.#lost;
    const context = this.#context;
    return context === "source" || context === "substitution" ? undefined : PLACES[context];
  }

  get #context(): Context {
    return this.#contexts.at(-1) ?? "source";
  }

  #step(): void {
    const context = this.#context;
    if (context === "single") this.#skipTo("'");
    else if (context === "comment") this.#skipTo("\n");
    else if (this.#starts("\\")) this.#escape();
    else if (this.#starts("`")) this.#lost = "source with `...`; write $(...)";
    else if (this.#starts("$")) this.#dollar();
    else if (context === "double") this.#inQuotes();
    else if (context === "arithmetic") this.#inArithmetic();
    else if (context === "parameter" && this.#starts("}")) this.#leave(1);
    else if (context === "subscript" && this.#starts("]")) this.#leave(1);
    else if (this.#starts("'")) this.#enter("single", 1);
    else if (this.#starts('"')) this.#enter("double", 1);
    else if (context === "parameter" || context === "subscript") this.#at++;
    else this.#inSource();
  }

  #inSource(): void {
    const character = this.#text[this.#at] ?? "";
    if (this.#starts("<<")) this.#lost = "source with a here-document";
    else if (this.#starts("((")) this.#enterArithmetic(2);
    else if (this.#starts("[[")) this.#lost = "source with [[, which would compute it; write [";
    else if (character === "#" && this.#wordStart) this.#enter("comment", 1);
    else if (character === "[" && !this.#wordStart) this.#enter("subscript", 1);
    else if (character === "(") this.#enter("substitution", 1);
    else if (character === ")" && this.#context === "substitution") this.#leave(1);
    else if (this.#wordStart && /^case\b/.test(this.#text.slice(this.#at, this.#at + 5)) && this.#contexts.length > 1) {
      // The `)` of its patterns look like the end of what it is in.
      this.#lost = "source with a case inside $(...)";
    } else {
      this.#at++;
      this.#wordStart = /[\s;&|()<>]/.test(character);
    }
  }

  #inQuotes(): void {
    if (this.#starts('"')) this.#leave(1);
    else this.#at++;
  }

  #inArithmetic(): void {
    const character = this.#text[this.#at++];
    if (character === "'" || character === '"') this.#lost = PLACES.arithmetic;
    if (character === "(") this.#parentheses++;
    if (character === ")" && --this.#parentheses === 0) this.#leave(0);
  }

  #dollar(): void {
    if (this.#at + 1 === this.#text.length) this.#lost = "the place after a $, which would join with it";
    else if (this.#starts("$'") && this.#context !== "double")
      this.#lost = "source with $'...', which not every sh knows";
    else if (this.#starts("$((")) this.#enterArithmetic(3);
    else if (this.#starts("$(")) this.#enter("substitution", 2);
    else if (this.#starts("$[")) this.#lost = "source with $[...], which would compute it";
    else if (this.#starts("${")) {
      if (this.#contexts.includes("double") && !/^[^"'`\\]*\}/.test(this.#text.slice(this.#at))) {
        this.#lost = "source with a quoted parameter expansion that has quotes of its own";
      } else this.#enter("parameter", 2);
    } else {
      // What follows is looked at by itself: a quote ends quotes here too. Only a # is a parameter now, and no comment.
      this.#at++;
      this.#wordStart = false;
    }
  }

  #escape(): void {
    if (this.#at + 1 === this.#text.length) this.#lost = "the place after a \\, which would escape it";
    this.#at += 2;
    this.#wordStart = false;
  }

  #enterArithmetic(length: number): void {
    // Shells differ in how they read it inside something else, and count its parentheses only once.
    if (this.#contexts.includes("arithmetic")) this.#lost = PLACES.arithmetic;
    this.#parentheses = 2;
    this.#enter("arithmetic", length);
  }

  #enter(context: Context, length: number): void {
    this.#contexts.push(context);
    this.#at += length;
    this.#wordStart = context === "substitution";
  }

  #leave(length: number): void {
    const left = this.#contexts.pop();
    this.#at += length;
    this.#wordStart = left === "comment";
  }

  #skipTo(end: string): void {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) this.#at = this.#text.length;
    else {
      this.#at = at;
      this.#leave(1);
    }
  }

  #starts(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }
}
