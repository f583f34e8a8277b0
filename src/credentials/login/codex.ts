/**
 * The login of Codex with ChatGPT: `~/.codex/auth.json`.
 *
 * @module
 */
import type { LoginForm } from "./form.ts";
import { type JsonMap, mapOf, plainFields, textOf } from "./json.ts";
import { claimsOf, expiryOf, unsignedToken } from "./jwt.ts";

const CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann";

/** Where OpenAI's tokens say whose they are. */
const ABOUT = "https://api.openai.com/auth";

/** What Codex reads of that: the account goes into a header of every call. */
const READ = ["chatgpt_account_id", "chatgpt_plan_type", "chatgpt_user_id", "user_id"] as const;

const tokensOf = (file: JsonMap): JsonMap => mapOf(file.tokens) ?? {};

/** How it looks. */
export const codexForm: LoginForm = {
  files: [".codex/auth.json"],
  folderVariable: "CODEX_HOME",
  read: (file) => {
    const { access_token, refresh_token, id_token } = tokensOf(file);
    const access = textOf(access_token);
    if (access === undefined) return undefined;
    return { access, refresh: textOf(refresh_token), identity: textOf(id_token), expiresAt: expiryOf(access) };
  },
  seal: (file, { access, refresh = "", identity = "" }) => ({
    ...plainFields(file, ["auth_mode"]),
    OPENAI_API_KEY: null,
    tokens: {
      id_token: identity,
      access_token: access,
      refresh_token: refresh,
      ...plainFields(tokensOf(file), ["account_id"]),
    },
    // It renews by itself what is older than some days.
    last_refresh: new Date().toISOString(),
  }),
  placeholder: (token, random) => {
    const claims = claimsOf(token);
    if (claims === undefined) return `rt_${random}`;
    const about = plainFields(mapOf(claims[ABOUT]) ?? {}, READ);
    return unsignedToken({ iat: nowSeconds(), exp: nowSeconds() + YEAR, [ABOUT]: about }, random);
  },
  renewal: {
    host: "auth.openai.com",
    path: "/oauth/token",
    request: (_, refresh) => ({
      type: "application/json",
      body: JSON.stringify({ client_id: CLIENT, grant_type: "refresh_token", refresh_token: refresh }),
    }),
    renewed: (file, { access, refresh, identity }) => {
      const tokens = tokensOf(file);
      const next = {
        id_token: identity ?? tokens.id_token,
        access_token: access,
        refresh_token: refresh ?? tokens.refresh_token,
      };
      return { ...file, tokens: { ...tokens, ...next }, last_refresh: new Date().toISOString() };
    },
  },
};

const YEAR = 365 * 86_400;

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
