/**
 * The answer to an agent that would renew its login by itself: the placeholders that it has. The host renews the real ones.
 *
 * Source: RFC 6749 §5 and §6.
 *
 * @module
 */
import type { LocalApp } from "../../egress/http/connection.ts";
import { parseMap } from "./json.ts";
import type { SealedLogin } from "./sealed-login.ts";

/** Longer than any request of a token, in bytes. */
const BODY_MAX = 65_536;

/** So long the placeholders are said to be good, in seconds. */
const LIFE_SECONDS = 30 * 86_400;

/** The logins that are renewed at a host. */
export function loginsAt(logins: readonly SealedLogin[], host: string, port: number): readonly SealedLogin[] {
  return port === 443 ? logins.filter(({ login }) => login.form.renewal?.host === host) : [];
}

/** What answers there. */
export function tokenEndpoint(logins: () => readonly SealedLogin[]): LocalApp {
  return { fetch: (request) => answer(request, logins()) };
}

async function answer(request: Request, logins: readonly SealedLogin[]): Promise<Response> {
  const { pathname } = new URL(request.url);
  const here = logins.filter(({ login }) => login.form.renewal?.path === pathname);
  if (here.length === 0 || request.method !== "POST") {
    return say(404, { error: "not_found", error_description: "only logins of this sandbox are renewed here" });
  }
  const sent = await refreshTokenOf(request);
  const login = here.find(({ placeholders: { refresh } }) => refresh !== undefined && refresh === sent);
  if (login === undefined) {
    return say(400, { error: "invalid_grant", error_description: "this is no refresh token of this sandbox's logins" });
  }
  const { access, refresh, identity } = login.placeholders;
  return say(200, {
    token_type: "Bearer",
    access_token: access,
    refresh_token: refresh,
    ...(identity === undefined ? {} : { id_token: identity }),
    expires_in: LIFE_SECONDS,
  });
}

function say(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** In JSON or as a form. */
async function refreshTokenOf(request: Request): Promise<string | undefined> {
  const text = await boundedText(request);
  if (text === undefined) return undefined;
  const isForm = request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") === true;
  const fields = isForm ? Object.fromEntries(new URLSearchParams(text)) : parseMap(text);
  const token = fields?.refresh_token;
  return typeof token === "string" ? token : undefined;
}

async function boundedText(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined) return Buffer.concat(chunks).toString();
    length += chunk.value.length;
    chunks.push(chunk.value);
    if (length <= BODY_MAX) continue;
    await reader?.cancel();
    return undefined;
  }
}
