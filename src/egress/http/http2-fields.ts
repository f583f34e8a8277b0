/**
 * Header lines as `node:http2` has them: in lower case, and beside what stands in the first line of HTTP/1.1.
 *
 * Source: RFC 9113 §8.2 and §8.3.
 *
 * @module
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { type HeaderLines, linesOf } from "./headers.ts";

/**
 * From what `node:http2` gives, without pseudo-headers.
 *
 * @param raw Names and values in turn. Not every runtime gives it; then values of one name may have been joined.
 */
export function linesOfFields(fields: IncomingHttpHeaders, raw: readonly string[] | undefined): HeaderLines {
  const lines = Array.isArray(raw) ? linesOf(raw) : Object.entries(fields).flatMap(spread);
  return joinCookies(lines.filter(([name]) => !name.startsWith(":")));
}

function spread([name, value]: [string, string | string[] | undefined]): [string, string][] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]);
}

/** HTTP/2 cuts cookies into pieces to compress them; HTTP/1.1 has one line of them (RFC 9113 §8.2.3). */
function joinCookies(lines: HeaderLines): HeaderLines {
  const isCookie = ([name]: HeaderLines[number]) => name === "cookie";
  const cookies = lines.filter(isCookie).map(([, value]) => value);
  if (cookies.length < 2) return lines;
  return [...lines.filter((line) => !isCookie(line)), ["cookie", cookies.join("; ")]];
}

/** As `node:http2` takes them. Of what may come once, the first counts. */
export function toFields(lines: HeaderLines): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    const before = fields[key];
    if (before === undefined) fields[key] = value;
    else if (!SINGLE.has(key)) fields[key] = [...(Array.isArray(before) ? before : [before]), value];
  }
  return fields;
}

/** `node:http2` throws where these come more than once. */
const SINGLE: ReadonlySet<string> = new Set([
  "access-control-allow-credentials",
  "access-control-max-age",
  "access-control-request-method",
  "age",
  "authorization",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "dnt",
  "etag",
  "expires",
  "from",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "range",
  "referer",
  "retry-after",
  "tk",
  "upgrade-insecure-requests",
  "user-agent",
  "x-content-type-options",
]);
