/**
 * A login as the sandbox has it: a file of the same shape, whose tokens are placeholders.
 *
 * @module
 */
import type { Placeholders } from "../placeholders.ts";
import type { LoginTokens } from "./form.ts";
import type { HostLogin, ReadLogin } from "./host-login.ts";

/** A file for the sandbox. */
export interface SealedFile {
  /** Below the home folder. */
  readonly path: string;
  readonly text: string;
}

/** The placeholders of a login, which stay what they are for the life of the sandbox. */
export interface SealedLogin {
  readonly name: string;
  readonly login: HostLogin;
  readonly placeholders: LoginTokens;
  readonly file: SealedFile;
}

/** As long as tokens of hosts are, and nothing of them. */
const RANDOM_LENGTH = 80;

/** So far from now the placeholders end, in milliseconds: the agent has no reason to renew them. */
const LIFE_MS = 365 * 86_400_000;

/** Makes it. */
export function sealLogin(name: string, login: HostLogin, read: ReadLogin, placeholders: Placeholders): SealedLogin {
  const { form } = login;
  const seal = (token: string) => form.placeholder(token, placeholders.random(RANDOM_LENGTH));
  const { access, refresh, identity } = read.tokens;
  const sealed = {
    access: seal(access),
    ...(refresh === undefined ? {} : { refresh: seal(refresh) }),
    ...(identity === undefined ? {} : { identity: seal(identity) }),
    expiresAt: Date.now() + LIFE_MS,
  };
  const path = form.files.find((each) => read.path.endsWith(each)) ?? form.files[0];
  const text = `${JSON.stringify(form.seal(read.file, sealed), null, 2)}\n`;
  return { name, login, placeholders: sealed, file: { path, text } };
}

/** Every placeholder of it. */
export function placeholdersOf({ placeholders }: SealedLogin): readonly string[] {
  const { access, refresh, identity } = placeholders;
  return [access, refresh, identity].filter((each) => each !== undefined);
}
