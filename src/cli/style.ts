/**
 * Colour, where a terminal has it and nobody said no.
 *
 * @module
 */
import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** How something may look. */
export type Look = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Makes texts for one stream. */
export type Style = (look: Look, text: string) => string;

/** The style of a stream: see NO_COLOR (no-color.org) and FORCE_COLOR. */
export function styleOf(stream: Pick<WriteStream, "isTTY">, environment: NodeJS.ProcessEnv = process.env): Style {
  return hasColour(stream, environment)
    ? (look, text) => styleText(look, text, { validateStream: false })
    : (_, text) => text;
}

function hasColour({ isTTY }: Pick<WriteStream, "isTTY">, environment: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0";
  return isTTY === true && TERM !== "dumb";
}
