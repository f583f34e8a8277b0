/**
 * What goes wrong with a call, in the words and the shape of the API that the client speaks.
 *
 * Official clients try again after 408, 409, 429 and 5xx, unless `x-should-retry` says no.
 *
 * @module
 */
import type { ApiFamily } from "../../../policy/providers/kinds.ts";

/** What kind of failure it is. */
export type FailureKind =
  | "invalid"
  | "denied"
  | "refused"
  | "budget"
  | "rate"
  | "too_large"
  | "not_found"
  | "unreachable"
  | "timeout"
  | "upstream";

/** How each is told. */
interface Wording {
  readonly status: number;
  readonly openai: readonly [type: string, code: string | null];
  readonly anthropic: string;
  /** Whether trying again may help. */
  readonly retry: boolean;
}

const WORDINGS: Readonly<Record<FailureKind, Wording>> = {
  invalid: wording(400, ["invalid_request_error", null], "invalid_request_error"),
  denied: wording(403, ["invalid_request_error", "model_not_found"], "permission_error"),
  refused: wording(403, ["invalid_request_error", "provider_refused"], "permission_error"),
  budget: wording(402, ["insufficient_quota", "insufficient_quota"], "billing_error"),
  too_large: wording(413, ["invalid_request_error", "request_too_large"], "request_too_large"),
  not_found: wording(404, ["invalid_request_error", "not_found"], "not_found_error"),
  rate: { ...wording(429, ["requests", "rate_limit_exceeded"], "rate_limit_error"), retry: true },
  unreachable: { ...wording(502, ["server_error", "provider_unreachable"], "api_error"), retry: true },
  timeout: { ...wording(504, ["server_error", "provider_timeout"], "timeout_error"), retry: true },
  upstream: { ...wording(502, ["server_error", null], "api_error"), retry: true },
};

function wording(status: number, openai: Wording["openai"], anthropic: string): Wording {
  return { status, openai, anthropic, retry: false };
}

/** What a provider itself said. */
export interface ProviderWords {
  readonly type?: string;
  readonly code?: string | null;
  readonly param?: string | null;
}

/** Options of a {@link CallFailure}. */
export interface CallFailureOptions {
  /** In the place of the kind's. */
  readonly status?: number;
  /** In the place of the kind's, for a client that speaks the same family. */
  readonly words?: { readonly family: ApiFamily; readonly said: ProviderWords };
  /** The provider may have taken the call, and nobody heard what came of it. */
  readonly taken?: true;
  /** It was not allowed, though a route took it. */
  readonly denied?: true;
  /** Headers that go with it. */
  readonly headers?: readonly (readonly [string, string])[];
}

/** A call that does not come to a good end. Its message is for the client. */
export class CallFailure extends Error {
  readonly kind: FailureKind;
  readonly status: number;
  readonly options: CallFailureOptions;

  constructor(kind: FailureKind, message: string, options: CallFailureOptions = {}) {
    super(message);
    this.kind = kind;
    this.status = options.status ?? WORDINGS[kind].status;
    this.options = options;
  }
}

/** The failure as a response. */
export function failureResponse(family: ApiFamily, failure: CallFailure): Response {
  const headers = new Headers([["content-type", "application/json"]]);
  if (!WORDINGS[failure.kind].retry) headers.set("x-should-retry", "false");
  for (const [name, value] of failure.options.headers ?? []) headers.set(name, value);
  return new Response(JSON.stringify(failureBody(family, failure)), { status: failure.status, headers });
}

/** The failure as the last event of a stream. */
export function failureEvent(family: ApiFamily, failure: CallFailure): string {
  const data = JSON.stringify(failureBody(family, failure));
  return family === "anthropic" ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`;
}

function failureBody(family: ApiFamily, failure: CallFailure): object {
  if (family === "openai") return { error: openaiError(failure) };
  const { kind, message, options } = failure;
  const said = options.words?.family === family ? options.words.said : undefined;
  return { type: "error", error: { type: said?.type ?? WORDINGS[kind].anthropic, message } };
}

/** A failure in the words of the OpenAI family. */
export interface OpenaiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** Says it. */
export function openaiError({ kind, message, options: { words } }: CallFailure): OpenaiError {
  const said = words?.family === "openai" ? words.said : undefined;
  const [type, code] = WORDINGS[kind].openai;
  return {
    message,
    type: said?.type ?? type,
    param: said?.param ?? null,
    code: said === undefined ? code : (said.code ?? null),
  };
}
