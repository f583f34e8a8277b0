/**
 * Signature Version 4 of AWS, as much of it as two readers of one request need: the canonical request, and its signature.
 * Pure.
 *
 * Source: the AWS IAM user guide, "Create a signed AWS API request", and the Amazon S3 API reference, "Authenticating
 * requests (AWS Signature Version 4)".
 *
 * @module
 */
import { createHash, createHmac } from "node:crypto";
import type { HeaderLines } from "../../egress/http/headers.ts";

/** What a request says of its signature. */
export interface Authorization {
  readonly id: string;
  /** `date/region/service/aws4_request`. */
  readonly scope: string;
  /** Names in lower case, as they are listed. */
  readonly signed: readonly string[];
  readonly signature: string;
}

/** A request as it is signed. */
export interface SignedParts {
  readonly method: string;
  /** The path and query, as they are sent. */
  readonly path: string;
  readonly headers: HeaderLines;
  readonly signed: readonly string[];
  /** The digest of the body, in hexadecimal, or what stands for it. */
  readonly payload: string;
}

/** How a path is written before it is signed: S3 takes it as it is, the others encode it once more, and some clean it up. */
export type PathStyle = "sent" | "encoded" | "twice" | "clean";

/** All of them. */
export const PATH_STYLES: readonly PathStyle[] = ["sent", "encoded", "twice", "clean"];

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=(\w+)\/(\d{8}\/[^/,\s]+\/[^/,\s]+\/aws4_request),\s*SignedHeaders=([a-z0-9;._-]+),\s*Signature=([0-9a-f]{64})\s*$/;

/** Reads the header; undefined where it is another kind of authorization. */
export function readAuthorization(header: string): Authorization | undefined {
  const [, id, scope, signed, signature] = AUTHORIZATION.exec(header) ?? [];
  if (id === undefined || scope === undefined || signed === undefined || signature === undefined) return undefined;
  return { id, scope, signed: signed.split(";"), signature };
}

/** Writes it. */
export function authorizationHeader({ id, scope, signed, signature }: Authorization): string {
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signed.join(";")}, Signature=${signature}`;
}

/** The signature of a request. `date`: as `x-amz-date` has it. */
export function signatureOf(
  parts: SignedParts,
  { secret, scope, date }: { readonly secret: string; readonly scope: string; readonly date: string },
  style: PathStyle,
): string {
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonicalRequest(parts, style))].join("\n");
  const key = scope.split("/").reduce<Buffer | string>((last, part) => hmac(last, part), `AWS4${secret}`);
  return hmac(key, text).toString("hex");
}

/** What is hashed. */
export function canonicalRequest({ method, path, headers, signed, payload }: SignedParts, style: PathStyle): string {
  const mark = path.indexOf("?");
  const [before, query] = mark < 0 ? [path, ""] : [path.slice(0, mark), path.slice(mark + 1)];
  const lines = signed.map((name) => `${name}:${lineOf(headers, name)}\n`);
  return [method, canonicalPath(before, style), canonicalQuery(query), lines.join(""), signed.join(";"), payload].join(
    "\n",
  );
}

function canonicalPath(path: string, style: PathStyle): string {
  if (style === "sent") return path;
  const each = (by: (segment: string) => string, of = path) => of.split("/").map(by).join("/");
  if (style === "encoded") return each((segment) => encode(decode(segment)));
  if (style === "twice") return each(encode);
  // Empty segments and dots are gone, and a final slash stays.
  const clean: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") clean.pop();
    else if (segment !== "" && segment !== ".") clean.push(segment);
  }
  const end = clean.length > 0 && /\/\.{0,2}$/.test(path) ? "/" : "";
  return each(encode, `/${clean.join("/")}${end}`);
}

function canonicalQuery(query: string): string {
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const [name, value] = equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return [encode(decode(name)), encode(decode(value))] as const;
    });
  const sorted = pairs.sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)));
  return sorted.map(([name, value]) => `${name}=${value}`).join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** All lines of one name, in their order, without needless spaces. */
function lineOf(headers: HeaderLines, name: string): string {
  return headers
    .filter(([each]) => each.toLowerCase() === name)
    .map(([, value]) => value.trim().replace(/ +/g, " "))
    .join(",");
}

/** RFC 3986: nothing but letters, digits and `-._~` stays. Header lines and targets are Latin-1, of which those are a part. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Of a text or of bytes, in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
