/**
 * Where the values of credentials come from.
 *
 * @module
 */

/**
 * Where the host has a credential. It is read where it is needed, so a new value is used by the next request.
 *
 * - `env`: a variable of this process, read each time.
 * - `file`: the path of a file that holds nothing else, read each time. White space around it is dropped.
 * - `command`: a program and its arguments, without a shell, such as `["gh", "auth", "token"]`; what it prints is the value,
 *   for `ttlMs`, or until a host answers 401.
 * - `login`: the path of the file that an agent keeps of a subscription, for a credential with `login: true`.
 * - a function: see {@link CredentialFunction}.
 */
export type CredentialSource =
  | { readonly env: string }
  | { readonly file: string }
  | { readonly login: string }
  | { readonly command: readonly [string, ...string[]]; readonly ttlMs?: number }
  | CredentialFunction;

/**
 * Gives a credential, or undefined where there is none.
 *
 * A plain text is asked for again each time. A value with `expiresAt` is kept until shortly before then, or until a host
 * answers 401; callers that come at one time share one call.
 *
 * @example
 * ```ts
 * import { createSandbox, type CredentialFunction } from "cofferdam";
 *
 * const token: CredentialFunction = async ({ signal }) => {
 *   const response = await fetch("http://127.0.0.1:9/token", { signal });
 *   const { value, expires } = (await response.json()) as { value: string; expires: number };
 *   return { value, expiresAt: expires };
 * };
 * await using sandbox = await createSandbox(
 *   { version: 1, credentials: [{ name: "ACME_TOKEN", hosts: ["api.acme.example"], optional: true }] },
 *   { credentials: { ACME_TOKEN: (context) => token(context) } },
 * );
 * ```
 */
export type CredentialFunction = (
  context: CredentialContext,
) => string | CredentialValue | undefined | Promise<string | CredentialValue | undefined>;

/** What a function gets. */
export interface CredentialContext {
  /** The name of the credential in the policy. */
  readonly name: string;
  /** Aborted when nobody waits any more: after 30 s. */
  readonly signal: AbortSignal;
}

/** A value with its end. */
export interface CredentialValue {
  readonly value: string;
  /** A date, or milliseconds since 1970. @default it does not expire, and is kept until a host answers 401 */
  readonly expiresAt?: Date | number;
}
