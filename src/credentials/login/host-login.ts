/**
 * A login of the host: its tokens, renewed before they end.
 *
 * @module
 */
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { LoginProvider } from "../../policy/core.ts";
import { unavailable } from "../failure.ts";
import type { CredentialFunction } from "../types.ts";
import type { LoginForm, LoginRenewal, LoginTokens, RenewalRequest } from "./form.ts";
import { LOGIN_FORMS } from "./forms.ts";
import type { JsonMap } from "./json.ts";
import { readLoginFile, writeLoginFile } from "./login-file.ts";
import { withLock } from "./login-lock.ts";
import { readAnswer } from "./renewal-answer.ts";

/** Posts to a token endpoint over TLS. */
export type PostRenewal = (
  endpoint: Pick<LoginRenewal, "host" | "path">,
  request: RenewalRequest,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

/** What it takes. */
export interface HostLoginSetting {
  readonly name: string;
  readonly provider: LoginProvider;
  /** Absent: where its agent has it. */
  readonly file?: string | undefined;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly post: PostRenewal;
  /** Told what went wrong without an end to the login. */
  problem(error: Error): void;
}

/** A login as it was read. */
export interface ReadLogin {
  readonly path: string;
  readonly file: JsonMap;
  readonly tokens: LoginTokens;
}

/** Tokens are renewed so long before they end, in milliseconds: longer than readers keep them. */
const EARLY_MS = 120_000;

/** How often a host's refusal may make it renew tokens that should still be good, in milliseconds: programs can provoke one. */
const REFUSED_MS = 300_000;

/** So many old tokens are remembered, to be kept out of answers and records. */
const REMEMBERED_MAX = 16;

/** One login. */
export class HostLogin {
  readonly form: LoginForm;
  /** Its access token, as a source of a credential. */
  readonly source: CredentialFunction;
  readonly #setting: HostLoginSetting;
  /** What could not be written back. */
  #unsaved: ReadLogin | undefined;
  #given: { readonly access: string; readonly at: number } | undefined;
  #others: readonly string[] = [];

  constructor(setting: HostLoginSetting) {
    this.#setting = setting;
    this.form = LOGIN_FORMS[setting.provider];
    this.source = async ({ signal }) => {
      const login = await this.#fresh(signal);
      if (login === undefined) return undefined;
      const { access, expiresAt } = login.tokens;
      // A host may have refused it: asked again while it should be good, another one is due.
      if (this.#given?.access !== access) this.#given = { access, at: Date.now() };
      return expiresAt === undefined ? { value: access } : { value: access, expiresAt };
    };
  }

  /** Every token of it beside the access tokens that was read so far. */
  get others(): readonly string[] {
    return this.#others;
  }

  /**
   * The login as it stands in its file; undefined where there is none.
   *
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it cannot be read.
   */
  async read(): Promise<ReadLogin | undefined> {
    for (const path of this.#paths()) {
      const file = await readLoginFile(this.#setting.name, path);
      const tokens = file === undefined ? undefined : this.form.read(file);
      if (file === undefined || tokens === undefined) continue;
      const read = { path, file, tokens };
      // What could not be saved is newer, unless somebody has logged in since.
      const isOld = tokens.refresh !== undefined && this.#others.includes(tokens.refresh);
      return this.#remember(isOld ? (this.#unsaved ?? read) : read);
    }
    return undefined;
  }

  #paths(): readonly string[] {
    const { file, environment } = this.#setting;
    if (file !== undefined) return [file];
    const { files, folderVariable } = this.form;
    const folder = folderVariable === undefined ? undefined : environment[folderVariable];
    const usual = files.map((path) => join(homedir(), path));
    return folder === undefined ? usual : [join(folder, basename(files[0]))];
  }

  #remember(login: ReadLogin): ReadLogin {
    const { refresh, identity } = login.tokens;
    const now = [refresh, identity].filter((token) => token !== undefined);
    this.#others = [...new Set([...now, ...this.#others])].slice(0, REMEMBERED_MAX);
    return login;
  }

  async #fresh(signal: AbortSignal): Promise<ReadLogin | undefined> {
    const read = await this.read();
    const { renewal } = this.form;
    if (read === undefined || renewal === undefined || !this.#isDue(read.tokens)) return read;
    try {
      return await withLock(this.#setting.name, read.path, signal, async () => {
        // Somebody else may have done it while this one waited.
        const now = (await this.read()) ?? read;
        return this.#isDue(now.tokens) ? this.#renew(now, renewal, signal) : now;
      });
    } catch (error) {
      // While it lasts it is used.
      if (hasEnded(read.tokens)) throw error;
      this.#setting.problem(error instanceof Error ? error : new Error("a login cannot be renewed"));
      return read;
    }
  }

  #isDue({ access, expiresAt }: LoginTokens): boolean {
    if (expiresAt !== undefined && expiresAt - Date.now() < EARLY_MS) return true;
    return this.#given?.access === access && Date.now() - this.#given.at > REFUSED_MS;
  }

  async #renew(login: ReadLogin, renewal: LoginRenewal, signal: AbortSignal): Promise<ReadLogin> {
    const { name, post, problem } = this.#setting;
    const { file, path, tokens } = login;
    const { refresh } = tokens;
    const request =
      refresh === undefined ? { problem: "its file has no refresh token" } : renewal.request(file, refresh);
    if ("problem" in request) {
      // Whoever made the file renews it, and nobody needs to hear of it before it has ended.
      if (!hasEnded(tokens)) return login;
      throw unavailable(name, `it has ended, and ${request.problem}`, { hint: HINT });
    }
    const { status, text } = await post(renewal, request, signal).catch((cause: unknown) => {
      throw unavailable(name, `${renewal.host}, which renews it, is not reached`, { cause });
    });
    const answer = status === 200 ? readAnswer(text) : undefined;
    if (answer === undefined) {
      throw unavailable(name, `${renewal.host} answered ${status} when it was to be renewed`, { hint: HINT });
    }
    const renewed = renewal.renewed(file, answer);
    const next = this.#remember({ path, file: renewed, tokens: this.form.read(renewed) ?? tokens });
    try {
      await writeLoginFile(path, renewed);
      this.#unsaved = undefined;
    } catch (cause) {
      this.#unsaved = next;
      const { code = "unknown" } = cause as NodeJS.ErrnoException;
      problem(unavailable(name, `what it was renewed to cannot be written to ${path} (${code})`));
    }
    return next;
  }
}

function hasEnded({ expiresAt }: LoginTokens): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}

const HINT = "Log in again on the host";
