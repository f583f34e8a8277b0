/**
 * The credentials of one sandbox: what it gets of them, and what the host really has.
 *
 * @module
 */
import type { KnownSecret } from "../audit/mod.ts";
import {
  CREDENTIAL_PROFILES,
  type LoginProvider,
  type NormalizedCredential,
  type SealedCredential,
} from "../policy/core.ts";
import {
  AWS_VARIABLES,
  type AwsKeys,
  compactKeys,
  keysInEnvironment,
  placeholderKeys,
  readKeys,
  secretsIn,
} from "./aws/keys.ts";
import { binding, type SealedSecret } from "./binding.ts";
import { unavailable } from "./failure.ts";
import { LOGIN_FORMS } from "./login/forms.ts";
import { HostLogin, type PostRenewal } from "./login/host-login.ts";
import { placeholdersOf, type SealedLogin, sealLogin } from "./login/sealed-login.ts";
import { Placeholders } from "./placeholders.ts";
import type { CompactText } from "./read-source.ts";
import { SourceReader } from "./source-reader.ts";
import type { CredentialSource } from "./types.ts";

/** What a store reads from. */
export interface CredentialStoreOptions {
  /** By the name of the credential. Others are looked for in the environment. */
  readonly sources?: Readonly<Record<string, CredentialSource>> | undefined;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Variables that the owner sets in the sandbox. */
  readonly taken?: Readonly<Record<string, unknown>> | undefined;
  /** Renews tokens of logins. Absent: they are used until they end. */
  readonly post?: PostRenewal;
  /** Told what goes wrong without an end to a credential. */
  problem?(error: Error): void;
}

/** What a policy's credentials come to, before it is in force. */
export interface PreparedCredentials {
  readonly sealed: readonly SealedSecret[];
  /** Those that the sandbox holds itself. */
  readonly exposed: readonly NormalizedCredential[];
  /** For every command. */
  readonly variables: Readonly<Record<string, string>>;
  /** All of them, with their variables. */
  readonly granted: readonly GrantedCredential[];
  readonly logins: readonly SealedLogin[];
}

/** A credential, and the variable that the sandbox has it in. */
export interface GrantedCredential {
  readonly credential: NormalizedCredential;
  /** Absent: it is in a file. */
  readonly variable?: string;
}

const NOTHING: PreparedCredentials = { sealed: [], exposed: [], variables: {}, granted: [], logins: [] };

/** Holds them. */
export class CredentialStore {
  readonly placeholders: Placeholders = new Placeholders();
  readonly #options: CredentialStoreOptions;
  readonly #readers = new Map<string, SourceReader>();
  /** By name, for the life of the sandbox: a program that runs keeps what it got. */
  readonly #given = new Map<string, string>();
  /** By name, for the life of the sandbox, too. */
  readonly #logins = new Map<string, SealedLogin>();
  readonly #keys = new Map<string, AwsKeys>();
  readonly #hostLogins = new Map<string, HostLogin>();
  #inForce: PreparedCredentials = NOTHING;

  constructor(options: CredentialStoreOptions) {
    this.#options = options;
  }

  /** Whether no program can have a placeholder. */
  get isEmpty(): boolean {
    return this.#given.size === 0;
  }

  /** Of the policy in force. */
  get sealed(): readonly SealedSecret[] {
    return this.#inForce.sealed;
  }

  /** Of the policy in force. */
  get logins(): readonly SealedLogin[] {
    return this.#inForce.logins;
  }

  /** What commands get, of the policy in force. */
  get variables(): Readonly<Record<string, string>> {
    return this.#inForce.variables;
  }

  /** Of the policy in force. */
  get granted(): readonly GrantedCredential[] {
    return this.#inForce.granted;
  }

  /** What must not be recorded: every value that was read, and every placeholder. */
  secrets(): readonly KnownSecret[] {
    const names = new Set([...this.#readers.keys(), ...this.#given.keys()]);
    return [...names].map((name) => {
      const given = this.#given.get(name);
      const login = this.#logins.get(name);
      const held = [
        ...(login === undefined ? [] : placeholdersOf(login)),
        ...Object.values(this.#keys.get(name) ?? {}),
      ];
      const others = this.#hostLogins.get(name)?.others ?? [];
      return { name, values: [...this.#valuesOf(name), ...others, ...(given === undefined ? [] : [given]), ...held] };
    });
  }

  /** Every value that a sealed credential has had, with what the sandbox has in its place. */
  sealedValues(): readonly (readonly [value: string, placeholder: string])[] {
    return [...this.#given].flatMap(([name, placeholder]) => {
      const others = this.#hostLogins.get(name)?.others ?? [];
      return [...this.#valuesOf(name), ...others].map((value) => [value, placeholder] as const);
    });
  }

  /** The name of the credential whose placeholder a text holds, or a part of where there is but one. */
  nameIn(text: string): string | undefined {
    const [first, ...others] = this.#given.keys();
    const whole = [...this.#given].find(([, placeholder]) => text.includes(placeholder))?.[0];
    const login = [...this.#logins.values()].find((each) => placeholdersOf(each).some((held) => text.includes(held)));
    const keys = [...this.#keys].find(([, each]) => Object.values(each).some((held) => text.includes(held)));
    return whole ?? login?.name ?? keys?.[0] ?? (others.length === 0 ? first : undefined);
  }

  /**
   * The real value of a credential of the policy in force. It is for the host alone.
   *
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If there is none of that name, or it cannot be read.
   */
  value(name: string): Promise<string> {
    const reader = this.#readers.get(name);
    const isKnown = [...this.#inForce.sealed, ...this.#inForce.exposed.map((credential) => ({ credential }))].some(
      ({ credential }) => credential.name === name,
    );
    if (reader === undefined || !isKnown) {
      return Promise.reject(unavailable(name, "the policy in force has none of that name"));
    }
    return reader.read();
  }

  /** A host did not take the newest value of one: what is kept of it is read again. */
  refused(name: string): void {
    const reader = this.#readers.get(name);
    const [value] = reader?.values ?? [];
    if (value !== undefined) reader?.refused(value);
  }

  /**
   * Reads what a policy asks for. Nothing changes until {@link use}.
   *
   * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If the host does not have one, or its variable is taken.
   */
  async prepare(credentials: readonly NormalizedCredential[]): Promise<PreparedCredentials> {
    const found = await Promise.all(credentials.map((each) => this.#find(each)));
    const variables: Record<string, string> = {};
    const sealed: SealedSecret[] = [];
    const exposed: NormalizedCredential[] = [];
    const granted: GrantedCredential[] = [];
    const logins: SealedLogin[] = [];
    const take = (name: string, variable: string, value: string) => {
      if (Object.hasOwn(variables, variable) || this.#options.taken?.[variable] !== undefined) {
        const hint = 'Give it another one with "variable"';
        throw unavailable(name, `its variable ${variable} is set by something else`, { hint });
      }
      variables[variable] = value;
    };
    for (const { credential, variable, value, reader, login } of found.flatMap((each) => each ?? [])) {
      if (login !== undefined && credential.expose === "sealed") {
        granted.push({ credential });
        logins.push(login);
        sealed.push({ credential, placeholder: login.placeholders.access, reader, ...binding(credential) });
        continue;
      }
      granted.push({ credential, variable });
      if (credential.expose === "env") {
        take(credential.name, variable, value);
        exposed.push(credential);
        continue;
      }
      if (credential.provider === "aws") {
        const keys = this.#keys.get(credential.name) ?? placeholderKeys(readKeys(value), this.placeholders);
        for (const [part, text] of Object.entries(keys))
          take(credential.name, AWS_VARIABLES[part as keyof AwsKeys], text);
        sealed.push({ credential, placeholder: keys.id, keys, reader, ...binding(credential) });
        continue;
      }
      const placeholder = this.#given.get(credential.name) ?? this.placeholders.make(value, credential.provider);
      take(credential.name, variable, placeholder);
      sealed.push({ credential, placeholder, reader, ...binding(credential) });
    }
    return { sealed, exposed, variables, granted, logins };
  }

  /** Puts them in force. */
  use(prepared: PreparedCredentials): void {
    for (const { credential, placeholder } of prepared.sealed) this.#given.set(credential.name, placeholder);
    for (const { credential, keys } of prepared.sealed) if (keys !== undefined) this.#keys.set(credential.name, keys);
    for (const login of prepared.logins) this.#logins.set(login.name, login);
    this.#inForce = prepared;
  }

  #valuesOf(name: string): readonly string[] {
    // What a policy that did not come into force was prepared with has not taken the place of what is read.
    const inForce = this.#inForce.sealed.filter(({ credential }) => credential.name === name);
    const values = [this.#readers.get(name), ...inForce.map(({ reader }) => reader)].flatMap(valuesOf);
    return [...new Set(this.#keys.has(name) ? values.flatMap(secretsIn) : values)];
  }

  async #findLogin(credential: SealedCredential, provider: LoginProvider): Promise<Found | undefined> {
    const { name, optional } = credential;
    const login = this.#hostLogin(name, provider);
    const reader = this.#readerOf(name, login.source);
    const value = await reader.find();
    const read = value === undefined ? undefined : await login.read();
    if (value === undefined || read === undefined) {
      if (optional) return undefined;
      const hint = `Log in on the host, give the file as credentials: { ${name}: { login: PATH } }, or let it be optional`;
      throw unavailable(name, `no login of ${provider} is in ${login.form.files.join(" or ")}`, { hint });
    }
    const known = this.#logins.get(name);
    const sealed = known?.login === login ? known : sealLogin(name, login, read, this.placeholders);
    return { credential, variable: "", value, reader, login: sealed };
  }

  #hostLogin(name: string, provider: LoginProvider): HostLogin {
    const { sources, environment, post = cannotPost, problem = () => undefined } = this.#options;
    const known = this.#hostLogins.get(name);
    if (known?.form === LOGIN_FORMS[provider]) return known;
    const given = sources?.[name];
    const file = typeof given === "object" && "login" in given ? given.login : undefined;
    if (given !== undefined && file === undefined) {
      throw unavailable(name, "the policy says login: true, and its source is no { login: PATH }");
    }
    const login = new HostLogin({ name, provider, file, environment, post, problem });
    this.#hostLogins.set(name, login);
    return login;
  }

  async #find(credential: NormalizedCredential): Promise<Found | undefined> {
    if (credential.expose === "sealed" && credential.login !== undefined) {
      return this.#findLogin(credential, credential.login);
    }
    const { name, optional } = credential;
    const candidates = variablesOf(credential);
    const given = this.#options.sources?.[name];
    const variable = candidates.find((each) => this.#options.environment[each] !== undefined) ?? candidates[0] ?? name;
    const isAws = credential.provider === "aws";
    const usual = isAws ? this.#environmentKeys : { env: variable };
    const reader = this.#readerOf(name, given ?? usual, isAws ? compactKeys : undefined);
    const value = await reader.find();
    if (value !== undefined) return { credential, variable: credential.variable ?? variable, value, reader };
    if (optional) return undefined;
    const where = given === undefined ? `no variable ${candidates.join(" or ")} is set` : "its source has no value";
    const hint = `Set one, give a source as credentials: { ${name}: ... }, or let it be optional`;
    throw unavailable(name, where, { hint });
  }

  /** One function, so that it is one source. */
  readonly #environmentKeys = (): string | undefined => keysInEnvironment(this.#options.environment);

  #readerOf(name: string, source: CredentialSource, compact?: CompactText): SourceReader {
    const known = this.#readers.get(name);
    if (known !== undefined && isSame(known.source, source)) return known;
    const reader = new SourceReader(name, source, this.#options.environment, known?.values, compact);
    this.#readers.set(name, reader);
    return reader;
  }
}

function valuesOf(reader: SourceReader | undefined): readonly string[] {
  return reader?.values ?? [];
}

interface Found {
  readonly credential: NormalizedCredential;
  readonly variable: string;
  readonly value: string;
  readonly reader: SourceReader;
  readonly login?: SealedLogin;
}

function cannotPost(): Promise<never> {
  return Promise.reject(new Error("nothing here renews logins"));
}

/** Where the host's environment may have it. */
function variablesOf({ name, provider }: NormalizedCredential): readonly string[] {
  return provider === undefined ? [name] : CREDENTIAL_PROFILES[provider].variables;
}

function isSame(a: CredentialSource, b: CredentialSource): boolean {
  return a === b || (typeof a === "object" && typeof b === "object" && "env" in a && "env" in b && a.env === b.env);
}
