/**
 * Header lines: read as they came, and written without what is only about one connection.
 *
 * @module
 */
import type { OutgoingHttpHeaders } from "node:http";

/** Header lines in their order. Names keep their case. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/**
 * What is about one connection and never relayed: RFC 9110 §7.6.1, and what asks for another protocol or a proxy.
 * `Transfer-Encoding` goes as well: each side frames its own messages.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** From what `node:http` calls raw headers: names and values in turn. */
export function linesOf(raw: readonly string[]): HeaderLines {
  const lines: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) lines.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  return lines;
}

/**
 * What a trailer may not be: it is about how a message is framed or routed, who sends it, or what it is, and some servers take
 * trailers for headers. Source: RFC 9110 §6.5.1.
 */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "content-range",
  "authorization",
  "cookie",
  "set-cookie",
  "expect",
  "range",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
]);

/** Servers that hand headers on as variables know no difference between a hyphen and an underscore. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** Trailers that may be relayed. */
export function trailersOf(lines: HeaderLines): HeaderLines {
  if (lines.length === 0 || headersProblem(lines) !== undefined) return [];
  return endToEnd(lines).filter(([name]) => !NOT_IN_TRAILERS.has(plainName(name)));
}

const OVERRIDES: ReadonlySet<string> = new Set(["x-http-method-override", "x-http-method", "x-method-override"]);
const REROUTES: ReadonlySet<string> = new Set(["x-original-url", "x-rewrite-url"]);

/** What headers ask a server to take a method for; a problem where servers would take it for different ones. */
export function methodOverride(lines: HeaderLines, method: string): string | undefined | { readonly problem: string } {
  const asked = new Set<string>();
  for (const [name, value] of lines) {
    if (REROUTES.has(plainName(name))) return { problem: `its ${name} header asks for another path` };
    if (OVERRIDES.has(plainName(name))) asked.add(value.trim().toUpperCase());
  }
  asked.delete("");
  asked.delete(method);
  const [first, ...others] = asked;
  if (others.length > 0) return { problem: "its headers ask for more than one other method" };
  if (first !== undefined && !METHOD.test(first)) return { problem: "its headers ask for a method that is none" };
  return first;
}

/** A method as it is known here. */
export const METHOD: RegExp = /^[A-Z][A-Z-]{0,31}$/;

/** All values of a header. */
export function valuesOf(lines: HeaderLines, name: string): string[] {
  return lines.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

/** The elements of a header that is a list. */
export function listOf(lines: HeaderLines, name: string): string[] {
  return valuesOf(lines, name).flatMap((value) => value.split(",").map((each) => each.trim().toLowerCase()));
}

/** Without what is about one connection, and without the names given. */
export function endToEnd(lines: HeaderLines, without: readonly string[] = []): HeaderLines {
  const named = new Set([...listOf(lines, "connection"), ...without]);
  return lines.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && !named.has(name.toLowerCase()));
}

/** As `node:http` takes them. */
export function toOutgoing(lines: HeaderLines): OutgoingHttpHeaders {
  const spelling = new Map<string, string>();
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    const key = spelling.get(lower) ?? name;
    spelling.set(lower, key);
    const before = headers[key];
    headers[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return headers;
}

const OF_THE_MESSAGE: ReadonlySet<string> = new Set(["host", "content-length", "content-type", "content-encoding"]);

/** `node:http` leaves out what comes after a thousand, of its two lists of headers at different places. */
const LINES_MAX = 256;

/**
 * What is wrong with header lines, as the end of a sentence. The platform's parser refuses most of it; this holds whatever
 * parser there is.
 */
export function headersProblem(lines: HeaderLines): string | undefined {
  if (lines.length > LINES_MAX) return `it has more than ${LINES_MAX} headers`;
  for (const [name, value] of lines) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return "the name of a header is malformed";
    if (/[\0\r\n]/.test(value)) return "a header holds a line break or NUL";
  }
  if (listOf(lines, "connection").some((name) => OF_THE_MESSAGE.has(name))) {
    return "its Connection header takes away what it is judged by";
  }
  if (valuesOf(lines, "host").length > 1) return "it has more than one Host header";
  const lengths = valuesOf(lines, "content-length");
  const codings = listOf(lines, "transfer-encoding");
  if (lengths.length > 1 || lengths.some((length) => !/^\d{1,15}$/.test(length))) return "its length is ambiguous";
  if (codings.length > 0 && lengths.length > 0) return "it has both a length and a transfer coding";
  if (codings.length > 1 || codings.some((coding) => coding !== "chunked")) return "its transfer coding is not chunked";
  return undefined;
}
