/**
 * A file that an agent keeps of a subscription: where it is, what in it is secret, and how tokens are renewed.
 *
 * Each is read strictly and made anew for the sandbox: what is not known here is not handed on, for such files hold other
 * secrets, too.
 *
 * @module
 */
import type { JsonMap } from "./json.ts";

/** The tokens of a login. */
export interface LoginTokens {
  readonly access: string;
  readonly refresh?: string | undefined;
  /** A token that says who it is. */
  readonly identity?: string | undefined;
  /** When the access token ends, in milliseconds since 1970. Absent: nobody knows. */
  readonly expiresAt?: number | undefined;
}

/** How a login of one kind looks. */
export interface LoginForm {
  /** Below the home folder, the first that there is. The sandbox has it at the same place. */
  readonly files: readonly [string, ...string[]];
  /** The host's variable that names the folder of the first of them. */
  readonly folderVariable?: string;
  /** Undefined: there is no login in it. */
  read(file: JsonMap): LoginTokens | undefined;
  /** The file for the sandbox: the same with other tokens, and nothing that is not needed. */
  seal(file: JsonMap, placeholders: LoginTokens): JsonMap;
  /** A placeholder of the form of a token. */
  placeholder(token: string, random: string): string;
  /** Absent: its tokens are not renewed. */
  readonly renewal?: LoginRenewal;
}

/** How tokens are renewed: a POST of a refresh token. */
export interface LoginRenewal {
  /** Over TLS, on port 443. */
  readonly host: string;
  readonly path: string;
  /** What is sent. Undefined: it cannot be, and why is the end of a sentence. */
  request(file: JsonMap, refresh: string): RenewalRequest | { readonly problem: string };
  /** The file with what was answered. */
  renewed(file: JsonMap, answer: RenewalAnswer): JsonMap;
}

/** A body, and its type. */
export interface RenewalRequest {
  readonly type: "application/json" | "application/x-www-form-urlencoded";
  readonly body: string;
}

/** What a token endpoint answered, as RFC 6749 §5.1 has it. */
export interface RenewalAnswer {
  readonly access: string;
  readonly refresh?: string;
  readonly identity?: string;
  /** In milliseconds since 1970. */
  readonly expiresAt?: number;
}
