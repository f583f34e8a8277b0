/**
 * Reads YAML 1.2 (and so JSON) as hostile input: bounded in size, depth, width and aliases; no tags, no merge keys, no
 * duplicate keys, one document.
 *
 * @module
 */

import { Composer, type CST, Lexer, LineCounter, Parser, visit } from "yaml";
import type { IssueDraft, Locate, Position } from "./issues.ts";
import { locator, pathAt, positionAt } from "./locate.ts";
import { byteLength } from "./paths.ts";
import { MAX_DEPTH } from "./snapshot.ts";

/** The largest text, in bytes of UTF-8: 1 MiB. */
export const MAX_TEXT_BYTES: number = 2 ** 20;

/** The most entries of one map or list. The check for duplicate keys is quadratic in it. */
const MAX_WIDTH = 2048;

/** The most tokens, spaces and line ends included. A list of 1024 rules with three keys each has some 20 000. */
const MAX_TOKENS = 100_000;

/** The most errors of syntax that are reported: one mistake can make thousands. */
const MAX_ISSUES = 100;

/** How many nodes aliases may repeat, all together: the bound of the `yaml` package. */
const MAX_ALIASES = 100;

/** A text as data, or what is wrong with it. */
export type YamlResult =
  | { readonly ok: true; readonly value: unknown; readonly locate: Locate }
  | { readonly ok: false; readonly issues: readonly IssueDraft[] };

/** Reads a text. Never throws. */
export function readYaml(text: string): YamlResult {
  if (text.length > MAX_TEXT_BYTES || byteLength(text) > MAX_TEXT_BYTES) {
    return failed([{ path: [], message: `a policy has at most ${MAX_TEXT_BYTES} bytes` }]);
  }
  const lines = new LineCounter();
  const tokens = readTokens(text, lines);
  if (!Array.isArray(tokens)) return failed([tokens]);

  const composer = new Composer({
    version: "1.2",
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: true,
    stringKeys: true,
    strict: true,
  });
  const [document, second] = composer.compose(tokens, true, text.length);
  // With `forceDoc` above there is always one.
  if (document === undefined) return failed([{ path: [], message: "a policy is a YAML document" }]);
  const issues = [...document.errors, ...document.warnings].slice(0, MAX_ISSUES).map((error): IssueDraft => {
    const path = error.code === "DUPLICATE_KEY" ? pathAt(document, error.pos[0]) : [];
    return { path, message: wording(error.message), position: positionAt(error.pos[0], lines) };
  });
  if (second !== undefined) {
    const position = positionAt(second.range[0], lines);
    issues.push({ path: [], message: "a policy is one YAML document, found several", position });
  }
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit === true && yaml.version !== "1.2") {
    issues.push({ path: [], message: `a policy is YAML 1.2, found ${yaml.version}`, position: positionAt(0, lines) });
  }
  if (issues.length > 0) return failed(issues);

  const locate = locator(document, lines);
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: MAX_ALIASES }), locate };
  } catch {
    // The package reports both unresolved and excessive aliases by throwing.
    let position: Position | undefined;
    visit(document, {
      Alias(_key, node) {
        position = positionAt(node.range?.[0] ?? 0, lines);
        return visit.BREAK;
      },
    });
    const message = `aliases may repeat at most ${MAX_ALIASES} nodes, and only ones that exist`;
    return failed([{ path: [], message, ...(position === undefined ? {} : { position }) }]);
  }
}

function failed(issues: readonly IssueDraft[]): YamlResult {
  return { ok: false, issues };
}

/** Runs the parser, which does not recurse, and watches the stack that it keeps: the composer after it does recurse. */
function readTokens(text: string, lines: LineCounter): CST.Token[] | IssueDraft {
  const tokens: CST.Token[] = [];
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    const top = parser.stack.at(-1);
    const width = top !== undefined && "items" in top ? top.items.length : 0;
    const refused = (message: string): IssueDraft => {
      return { path: [], message, position: positionAt(parser.offset - lexeme.length, lines) };
    };
    // The stack also holds the document and the token at work.
    if (parser.stack.length > MAX_DEPTH + 2) return refused(`a policy nests at most ${MAX_DEPTH} levels`);
    if (width > MAX_WIDTH) return refused(`a map or list has at most ${MAX_WIDTH} entries`);
    if (++count > MAX_TOKENS) return refused(`a policy has at most ${MAX_TOKENS} words, marks and line ends`);
  }
  tokens.push(...parser.end());
  return tokens;
}

function wording(message: string): string {
  const text = message.length > 160 ? `${message.slice(0, 160)}...` : message;
  if (text.startsWith("Map keys must be unique")) return "this key is given twice";
  if (/^(?:Unresolved|Could not resolve) tag/.test(text)) return `tags are not allowed${text.replace(/^[^:]*/, "")}`;
  return text.replace(/\.$/, "");
}
