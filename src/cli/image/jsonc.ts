/**
 * JSON with comments and commas before a closing bracket, as devcontainer.json is written.
 *
 * @module
 */

/** A string, a comment, or a comma that nothing follows. What is in a string stays as it is. */
const PARTS = /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[}\]])/g;

/** Reads it; what is wrong is thrown as by `JSON.parse`. */
export function parseJsonc(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, "").replace(PARTS, (_, string?: string) => string ?? " "));
}
