/**
 * JSON with comments and commas before a closing bracket, as devcontainer.json is written.
 *
 * @module
 */

/**
 * A string, a comment, spaces, or what is between them. What is not closed goes on to where it could have been, so that nothing is
 * looked at twice: a file that came with a project takes no more time than its length.
 */
const TOKENS = /"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\s+|[^\s"/,}\]]+|[/,}\]]/g;

/** Reads it; what is wrong is thrown as by `JSON.parse`. */
export function parseJsonc(text: string): unknown {
  const json: string[] = [];
  let comma = "";
  for (const [token] of text.replace(/^\uFEFF/, "").matchAll(TOKENS)) {
    if (isSpace(token)) json.push(token.startsWith("/") ? " " : token);
    else if (token === "," && comma === "") comma = token;
    else {
      // One that nothing follows is left out.
      json.push(/^[}\]]/.test(token) ? "" : comma, token);
      comma = "";
    }
  }
  return JSON.parse(json.join("") + comma);
}

function isSpace(token: string): boolean {
  if (token.startsWith("/*") && (token.length < 4 || !token.endsWith("*/"))) {
    throw new SyntaxError("A comment is not closed");
  }
  return token.startsWith("//") || token.startsWith("/*") || /^\s/.test(token);
}
