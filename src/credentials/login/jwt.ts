/**
 * Tokens that clients look into: JSON Web Tokens (RFC 7519). Nothing is verified here: the host that they are for does that.
 *
 * @module
 */
import { type JsonMap, numberOf, parseMap } from "./json.ts";

/** What it says; undefined where it is none. */
export function claimsOf(token: string): JsonMap | undefined {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part))) return undefined;
  return parseMap(Buffer.from(parts[1] ?? "", "base64url").toString());
}

/** When it ends, in milliseconds since 1970. */
export function expiryOf(token: string): number | undefined {
  const seconds = numberOf(claimsOf(token)?.exp);
  return seconds === undefined ? undefined : seconds * 1000;
}

/** One that nobody has signed: `random` stands where a signature would. */
export function unsignedToken(claims: JsonMap, random: string): string {
  const coded = [{ alg: "RS256", typ: "JWT" }, claims].map((part) => {
    return Buffer.from(JSON.stringify(part)).toString("base64url");
  });
  return [...coded, random].join(".");
}
