/**
 * The login of the Gemini CLI with Google: `~/.gemini/oauth_creds.json`.
 *
 * Google wants its client named with a secret that is not ours to publish. It is taken from the file, where the owner may put
 * `client_id` and `client_secret`; without them the tokens are used until they end, and Gemini on the host renews them.
 *
 * @module
 */
import type { LoginForm } from "./form.ts";
import { numberOf, plainFields, textOf } from "./json.ts";
import { claimsOf, unsignedToken } from "./jwt.ts";

/** How it looks. */
export const geminiForm: LoginForm = {
  files: [".gemini/oauth_creds.json"],
  read: (file) => {
    const access = textOf(file.access_token);
    if (access === undefined) return undefined;
    const expiresAt = numberOf(file.expiry_date);
    return { access, refresh: textOf(file.refresh_token), identity: textOf(file.id_token), expiresAt };
  },
  seal: (file, { access, refresh = "", identity, expiresAt }) => ({
    access_token: access,
    refresh_token: refresh,
    ...(identity === undefined ? {} : { id_token: identity }),
    ...plainFields(file, ["scope", "token_type"]),
    expiry_date: expiresAt,
  }),
  placeholder: (token, random) => {
    if (claimsOf(token) !== undefined) return unsignedToken({ iss: "https://accounts.google.com" }, random);
    return `${/^(?:ya29\.|1\/\/)/.exec(token)?.[0] ?? ""}${random}`;
  },
  renewal: {
    host: "oauth2.googleapis.com",
    path: "/token",
    request: (file, refresh) => {
      const { client_id, client_secret } = file;
      if (typeof client_id !== "string" || typeof client_secret !== "string") {
        return { problem: "its file names no client_id and client_secret: run gemini on the host, or add them" };
      }
      const fields = { grant_type: "refresh_token", refresh_token: refresh, client_id, client_secret };
      return { type: "application/x-www-form-urlencoded", body: new URLSearchParams(fields).toString() };
    },
    renewed: (file, { access, refresh, identity, expiresAt }) => ({
      ...file,
      access_token: access,
      refresh_token: refresh ?? file.refresh_token,
      ...(identity === undefined ? {} : { id_token: identity }),
      expiry_date: expiresAt,
    }),
  },
};
