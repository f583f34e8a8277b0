/**
 * Signatures of messages over HTTP, in the form of Standard Webhooks: an HMAC over id, time and body.
 *
 * @module
 * @see {@link https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md | Standard Webhooks}
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { SandboxError } from "../../errors.ts";

/** Where the secret comes from. It is asked for each time, so it may change. */
export type SecretSource = () => string | PromiseLike<string>;

/** How far the clocks of both ends may differ, in milliseconds. */
export const TOLERANCE_MS: number = 300_000;

const ID = /^[A-Za-z0-9._:-]{1,128}$/;
const SECRET_BYTES_MIN = 24;
const PREFIX = "whsec_";

/** The headers of a signed message. */
export interface SignedHeaders {
  readonly "webhook-id": string;
  /** Seconds since 1970. */
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/**
 * Reads a secret: `whsec_` and base64, or any text of 24 bytes and more.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it is too short. What it is, is not said.
 */
export async function readSecret(source: SecretSource): Promise<Buffer> {
  const secret = await source();
  const key = typeof secret !== "string" ? Buffer.alloc(0) : decode(secret);
  if (key.length >= SECRET_BYTES_MIN) return key;
  throw new SandboxError("ARGUMENT_INVALID", `Cannot sign with a secret of fewer than ${SECRET_BYTES_MIN} bytes`, {
    details: { argument: "secret" },
    hint: "Make one: openssl rand -base64 32",
  });
}

function decode(secret: string): Buffer {
  return secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), "base64") : Buffer.from(secret);
}

/** Signs a message. */
export function sign(key: Buffer, id: string, body: string, now: number = Date.now()): SignedHeaders {
  const timestamp = String(Math.floor(now / 1000));
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${mac(key, id, timestamp, body).toString("base64")}`,
  };
}

/** The id of a message whose signature holds and which was signed just now; undefined: it does not, or was not. */
export function verify(key: Buffer, headers: Headers, body: string, now: number = Date.now()): string | undefined {
  const id = headers.get("webhook-id") ?? "";
  const timestamp = headers.get("webhook-timestamp") ?? "";
  if (!ID.test(id) || !/^\d{1,12}$/.test(timestamp)) return undefined;
  if (Math.abs(now - Number(timestamp) * 1000) > TOLERANCE_MS) return undefined;
  const expected = mac(key, id, timestamp, body);
  // Several, while a secret is replaced.
  const given = (headers.get("webhook-signature") ?? "").split(" ").slice(0, 8);
  const matches = given.map((each) => {
    const bytes = Buffer.from(each.startsWith("v1,") ? each.slice(3) : "", "base64");
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
  return matches.includes(true) ? id : undefined;
}

function mac(key: Buffer, id: string, timestamp: string, body: string): Buffer {
  return createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
}
