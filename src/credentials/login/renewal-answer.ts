/**
 * What a token endpoint answers: RFC 6749 §5.1.
 *
 * @module
 */
import type { RenewalAnswer } from "./form.ts";
import { numberOf, parseMap } from "./json.ts";
import { expiryOf } from "./jwt.ts";

/** What a header can carry. */
const TOKEN = /^[\x21-\x7e]{8,16384}$/;

/** Reads it; undefined where it is none. */
export function readAnswer(text: string): RenewalAnswer | undefined {
  const { access_token, refresh_token, id_token, expires_in } = parseMap(text) ?? {};
  const access = tokenOf(access_token);
  if (access === undefined) return undefined;
  const [refresh, identity] = [tokenOf(refresh_token), tokenOf(id_token)];
  const seconds = numberOf(expires_in);
  const expiresAt = seconds === undefined ? expiryOf(access) : Date.now() + seconds * 1000;
  return {
    access,
    ...(refresh === undefined ? {} : { refresh }),
    ...(identity === undefined ? {} : { identity }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function tokenOf(value: unknown): string | undefined {
  return typeof value === "string" && TOKEN.test(value) ? value : undefined;
}
