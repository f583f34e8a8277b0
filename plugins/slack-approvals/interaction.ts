/**
 * What Slack sends when somebody presses a button.
 *
 * @module
 * @see {@link https://docs.slack.dev/authentication/verifying-requests-from-slack | Verifying requests from Slack}
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { ApprovalAnswer, ApprovalScope } from "../../src/mod.ts";

/** An answer, and who gave it. */
export interface Interaction {
  readonly question: string;
  readonly user: string;
  readonly signature: string;
  readonly answer: ApprovalAnswer;
}

const BODY_BYTES_MAX = 262_144;
const TOLERANCE_S = 300;

/** Reads it; undefined: it is no answer. */
export async function readInteraction(request: Request, secret: string): Promise<Interaction | "forged" | undefined> {
  const body = await readBody(request);
  const timestamp = request.headers.get("x-slack-request-timestamp") ?? "";
  const signature = request.headers.get("x-slack-signature") ?? "";
  if (body === undefined || secret === "" || !isSigned(secret, timestamp, signature, body)) return "forged";
  const payload = parse(new URLSearchParams(body).get("payload") ?? "");
  const user = field(field(payload, "user"), "id");
  const [action, more] = asList(field(payload, "actions"));
  const [, verdict, scope] =
    /^cofferdam:(allow|deny)(?::(once|session|always))?$/.exec(String(field(action, "action_id"))) ?? [];
  const question = field(action, "value");
  if (field(payload, "type") !== "block_actions" || more !== undefined || verdict === undefined) return undefined;
  if (typeof user !== "string" || typeof question !== "string") return undefined;
  const scoped = scope === undefined ? {} : { scope: scope as ApprovalScope };
  return { question, user, signature, answer: { verdict: verdict as "allow" | "deny", ...scoped } };
}

function isSigned(secret: string, timestamp: string, signature: string, body: string): boolean {
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const expected = createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest();
  const given = Buffer.from(/^v0=([0-9a-f]{64})$/.exec(signature)?.[1] ?? "", "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function readBody(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += next.value.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(next.value);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
