/**
 * From a place in a policy to a place in its text.
 *
 * @module
 */

import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type LineCounter,
  type Pair,
  visit,
} from "yaml";
import type { DocumentPath, Locate, Position } from "./issues.ts";

/** The position of an offset in the text. */
export function positionAt(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/**
 * Makes a finder for one document. A place that is not in the text (a missing key) is found at the nearest place around
 * it that is.
 */
export function locator(document: Document.Parsed, lines: LineCounter): Locate {
  return (path, target) => {
    const offset = findOffset(document, path, target);
    return offset === undefined ? undefined : positionAt(offset, lines);
  };
}

/** The place whose key starts at an offset; the root where there is none. */
export function pathAt(document: Document.Parsed, offset: number): DocumentPath {
  let found: DocumentPath = [];
  visit(document, {
    Pair(_index, pair, ancestors) {
      if (offsetOf(pair.key) !== offset) return undefined;
      const nodes = [...ancestors, pair];
      found = nodes.flatMap((node, depth): DocumentPath => {
        const parent = nodes[depth - 1];
        if (isPair(node)) return [keyOf(node)];
        return isSeq(parent) ? [parent.items.indexOf(node)] : [];
      });
      return visit.BREAK;
    },
  });
  return found;
}

function findOffset(document: Document.Parsed, path: DocumentPath, target: "key" | "value"): number | undefined {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const [depth, part] of path.entries()) {
    const collection = isAlias(node) ? node.resolve(document) : node;
    let next: unknown;
    if (isMap(collection)) {
      const pair = collection.items.find((item) => keyOf(item) === String(part));
      if (target === "key" && depth === path.length - 1) return offsetOf(pair?.key) ?? offset;
      next = pair?.value;
      // A key without a value still has a place.
      offset = offsetOf(pair?.key) ?? offset;
    } else if (isSeq(collection) && typeof part === "number") {
      next = collection.items[part];
    }
    if (next === undefined || next === null) return offset;
    node = next;
    offset = offsetOf(node) ?? offset;
  }
  return offset;
}

function keyOf(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
