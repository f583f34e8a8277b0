/**
 * The login of Claude Code: `~/.claude/.credentials.json`.
 *
 * @module
 */
import type { LoginForm } from "./form.ts";
import { type JsonMap, mapOf, numberOf, plainFields, textOf } from "./json.ts";

const CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

/** Of an account. MCP servers and plugins have secrets of their own beside it. */
const loginOf = (file: JsonMap): JsonMap => mapOf(file.claudeAiOauth) ?? {};

/** How it looks. */
export const claudeForm: LoginForm = {
  files: [".claude/.credentials.json"],
  folderVariable: "CLAUDE_CONFIG_DIR",
  read: (file) => {
    const { accessToken, refreshToken, expiresAt } = loginOf(file);
    const access = textOf(accessToken);
    if (access === undefined) return undefined;
    return { access, refresh: textOf(refreshToken), expiresAt: numberOf(expiresAt) };
  },
  seal: (file, { access, refresh = "", expiresAt }) => {
    const kept = plainFields(loginOf(file), ["scopes", "subscriptionType", "rateLimitTier"]);
    return { claudeAiOauth: { accessToken: access, refreshToken: refresh, expiresAt, ...kept } };
  },
  placeholder: (token, random) => `${/^sk-ant-[a-z]{3}\d\d-/.exec(token)?.[0] ?? "sk-ant-oat01-"}${random}`,
  renewal: {
    host: "platform.claude.com",
    path: "/v1/oauth/token",
    request: (file, refresh) => ({
      type: "application/json",
      body: JSON.stringify({
        grant_type: "refresh_token",
        refresh_token: refresh,
        client_id: textOf(loginOf(file).clientId) ?? CLIENT,
      }),
    }),
    renewed: (file, { access, refresh, expiresAt }) => {
      const login = loginOf(file);
      const tokens = { accessToken: access, refreshToken: refresh ?? login.refreshToken, expiresAt };
      return { ...file, claudeAiOauth: { ...login, ...tokens } };
    },
  },
};
