/**
 * Keys of AWS: three values that are one credential, in the form that AWS's tools hand them on (`credential_process`).
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { unavailable } from "../failure.ts";
import { parseMap, textOf } from "../login/json.ts";
import type { Placeholders } from "../placeholders.ts";

/** What signs requests. */
export interface AwsKeys {
  readonly id: string;
  readonly secret: string;
  /** Of keys that end. */
  readonly session?: string;
}

/** Where programs look for them. */
export const AWS_VARIABLES = {
  id: "AWS_ACCESS_KEY_ID",
  secret: "AWS_SECRET_ACCESS_KEY",
  session: "AWS_SESSION_TOKEN",
} as const;

const ID = /^\w{16,128}$/;
const VALUE = /^[\x21-\x7e]{8,8192}$/;

/** From a host's environment, as text; undefined where it has none. */
export function keysInEnvironment(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { id, secret, session } = AWS_VARIABLES;
  const [AccessKeyId, SecretAccessKey, SessionToken] = [environment[id], environment[secret], environment[session]];
  return AccessKeyId && SecretAccessKey ? JSON.stringify({ AccessKeyId, SecretAccessKey, SessionToken }) : undefined;
}

/**
 * What a source gave, as one text without spaces, and when it ends.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If it is no such JSON.
 */
export function compactKeys(name: string, text: string): { readonly value: string; readonly expiresAt?: number } {
  const map = parseMap(text);
  const id = textOf(map?.AccessKeyId);
  const secret = textOf(map?.SecretAccessKey);
  const session = textOf(map?.SessionToken);
  const isSound = id && secret && ID.test(id) && VALUE.test(secret) && (session === undefined || VALUE.test(session));
  if (!isSound) {
    throw unavailable(name, "its source gave no keys of AWS", {
      hint: 'They are JSON as `aws configure export-credentials` prints it: { "AccessKeyId": ..., "SecretAccessKey": ... }',
    });
  }
  const value = JSON.stringify({ id, secret, session });
  const expiresAt = Date.parse(textOf(map?.Expiration) ?? "");
  return Number.isNaN(expiresAt) ? { value } : { value, expiresAt };
}

/** What {@link compactKeys} made. */
export function readKeys(value: string): AwsKeys {
  return JSON.parse(value) as AwsKeys;
}

/** What of them is secret. */
export function secretsIn(value: string): readonly string[] {
  const { secret, session } = readKeys(value);
  return session === undefined ? [secret] : [secret, session];
}

/** Keys of the same form that open nothing: requests that they signed are signed anew on the host. */
export function placeholderKeys({ session }: AwsKeys, placeholders: Placeholders): AwsKeys {
  const id = `${session === undefined ? "AKIA" : "ASIA"}${placeholders.mark}${randomBytes(4).toString("hex")}`;
  const secret = placeholders.random(40);
  return session === undefined ? { id, secret } : { id, secret, session: placeholders.random(200) };
}
