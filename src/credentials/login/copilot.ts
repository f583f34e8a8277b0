/**
 * The login of GitHub Copilot: `~/.config/github-copilot/apps.json`, or `hosts.json` of older versions. Its tokens do not end.
 *
 * @module
 */
import type { LoginForm } from "./form.ts";
import { type JsonMap, mapOf, plainFields, textOf } from "./json.ts";

/** The entry of github.com, under the name that it has: alone, or with the id of an app behind a colon. */
function entryOf(file: JsonMap): readonly [name: string, entry: JsonMap, token: string] | undefined {
  for (const [name, value] of Object.entries(file)) {
    const entry = mapOf(value) ?? {};
    const token = textOf(entry.oauth_token);
    if (/^github\.com(?::|$)/.test(name) && token !== undefined) return [name, entry, token];
  }
  return undefined;
}

/** How it looks. */
export const copilotForm: LoginForm = {
  files: [".config/github-copilot/apps.json", ".config/github-copilot/hosts.json"],
  read: (file) => {
    const access = entryOf(file)?.[2];
    return access === undefined ? undefined : { access };
  },
  seal: (file, { access }) => {
    const [name = "github.com", entry = {}] = entryOf(file) ?? [];
    return { [name]: { ...plainFields(entry, ["user", "githubAppId"]), oauth_token: access } };
  },
  placeholder: (token, random) => `${/^gh[a-z]_/.exec(token)?.[0] ?? "gho_"}${random}`,
};
