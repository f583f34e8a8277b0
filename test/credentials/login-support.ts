/**
 * Logins on a host of their own: a folder with the files that agents keep, and what renews their tokens.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { PostRenewal } from "../../src/credentials/mod.ts";

/** A token that nothing else holds. */
export function token(prefix: string): string {
  return prefix + randomBytes(24).toString("hex");
}

/** One that clients look into. */
export function jwt(claims: object): string {
  const coded = [{ alg: "RS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return [...coded, randomBytes(32).toString("base64url")].join(".");
}

/** A file of a login, in a folder that is gone after the test. */
export function loginFile(name: string, content: object): string {
  const folder = mkdtempSync(join(tmpdir(), "cofferdam-login-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}

/** What a file holds now. */
// biome-ignore lint/suspicious/noExplicitAny: whatever was written
export function contentOf(path: string): any {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The login of Claude Code, and secrets beside it. */
export function claudeLogin(expiresAt: number): {
  readonly access: string;
  readonly refresh: string;
  readonly other: string;
  readonly content: object;
} {
  const [access, refresh, other] = [token("sk-ant-oat01-"), token("sk-ant-ort01-"), token("mcp-")];
  const scopes = ["user:inference", "user:profile"];
  const login = { accessToken: access, refreshToken: refresh, expiresAt, scopes, subscriptionType: "max" };
  return { access, refresh, other, content: { claudeAiOauth: login, mcpOAuth: { server: { accessToken: other } } } };
}

/** The login of Codex. */
export function codexLogin(expiresAt: number): {
  readonly access: string;
  readonly refresh: string;
  readonly identity: string;
  readonly content: object;
} {
  const about = { chatgpt_account_id: "acc-1", chatgpt_plan_type: "plus", chatgpt_user_id: "user-1" };
  const claims = { "https://api.openai.com/auth": about, exp: Math.floor(expiresAt / 1000), email: "me@acme.example" };
  const [access, identity, refresh] = [jwt(claims), jwt({ ...claims, name: "Me" }), token("rt_")];
  const tokens = { id_token: identity, access_token: access, refresh_token: refresh, account_id: "acc-1" };
  const content = { OPENAI_API_KEY: null, tokens, last_refresh: new Date().toISOString() };
  return { access, refresh, identity, content };
}

/** Renews tokens of Claude Code, and remembers how often, and by which. */
export function renewer(): { readonly post: PostRenewal; readonly asked: unknown[]; readonly given: string[] } {
  const asked: unknown[] = [];
  const given: string[] = [];
  const post: PostRenewal = async ({ host, path }, { type, body }) => {
    asked.push({ url: `https://${host}${path}`, type, body: JSON.parse(body) });
    const [access_token, refresh_token] = [token("sk-ant-oat01-"), token("sk-ant-ort01-")];
    given.push(access_token, refresh_token);
    return { status: 200, text: JSON.stringify({ access_token, refresh_token, expires_in: 3600 }) };
  };
  return { post, asked, given };
}
