/**
 * Hostile texts in documents.
 *
 * @module
 */
import { escapeControl } from "../../audit/display.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for an attribute or an element of XML 1.0: one line, which shows what it holds. */
export function xmlText(text: string): string {
  // What is no character of XML is none of a terminal either, but for these two.
  return escapeControl(text)
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")
    .replace(/[\uFFFE\uFFFF]/g, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** The same of several lines. */
export function xmlLines(text: string): string {
  return text.split("\n").map(xmlText).join("\n");
}

/** An element with attributes; those that are undefined are left out. */
export function xmlElement(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  children: readonly string[] = [],
): string {
  const written = Object.entries(attributes).flatMap(([key, value]) => {
    return value === undefined ? [] : [` ${key}="${xmlText(String(value))}"`];
  });
  const start = `<${name}${written.join("")}`;
  return children.length === 0 ? `${start}/>` : `${start}>${children.join("")}</${name}>`;
}

/** A path as a part of a URI (RFC 3986): every byte that is not plain is written in hexadecimal. */
export function uriPath(path: string): string {
  // What is no text has no bytes to write.
  const whole = Buffer.from(path).toString();
  return whole.split("/").map(encodeURIComponent).join("/");
}
