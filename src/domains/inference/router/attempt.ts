/**
 * One attempt to have a call answered by one provider.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { withoutValue } from "../../../credentials/mod.ts";
import type { UpstreamResponse } from "../../../egress/http/exchange.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import type { Target } from "../plan.ts";
import type { SendToProvider } from "../providers/connections.ts";
import type { Hold } from "./body.ts";
import { type Dialect, type Endpoint, FAMILY, type WholeAnswer } from "./dialect.ts";
import { dialectFor } from "./dialects.ts";
import { CallFailure } from "./errors.ts";
import { answerHeaders, mediaType, requestHeaders } from "./headers.ts";
import type { JsonObject } from "./json.ts";
import { providerFailure, unreachable } from "./provider-error.ts";
import { readAnswer, silent } from "./relay.ts";

/** What is asked. */
export interface Asked {
  readonly endpoint: Endpoint;
  readonly headers: Headers;
  readonly body: JsonObject;
  /** How long the body was. */
  readonly bytes: number;
  /** As the client calls it. */
  readonly model: string;
  /** Counts what of the answer is held. */
  readonly hold: Hold;
  /** Aborted when the call is to end; its reason is what the client is told. */
  readonly signal: AbortSignal;
}

/** Who is asked with. */
export interface AttemptSetting {
  readonly send: SendToProvider;
  keyFor(provider: Provider): Promise<string | undefined>;
}

/** An answer that has begun: whole, or in pieces. */
export type Answered = {
  readonly dialect: Dialect;
  readonly headers: [string, string][];
} & ({ readonly whole: WholeAnswer } | { readonly pieces: UpstreamResponse["body"]["stream"] });

/** Asks. @throws {CallFailure} If there is no good answer. */
export async function attempt(setting: AttemptSetting, asked: Asked, target: Target): Promise<Answered> {
  const { provider, timeoutMs } = target;
  const dialect = dialectFor(asked.endpoint, provider, asked.model);
  if (dialect === undefined) {
    throw new CallFailure("invalid", `The provider ${provider.name} has nothing like ${asked.endpoint}`);
  }
  if (dialect.atHome !== undefined) return { dialect, headers: [], whole: dialect.atHome(asked.bytes) };
  const key = await setting.keyFor(provider);
  if (key === undefined && provider.needsKey) {
    const where = provider.credential ?? provider.keyVariables.join(" or ");
    throw new CallFailure("refused", `The host has no key for the provider ${provider.name}: it is read from ${where}`);
  }
  const isStream = asked.body.stream === true;
  const caller = { family: FAMILY[asked.endpoint], headers: asked.headers };
  const request = {
    method: "POST",
    path: dialect.path,
    headers: requestHeaders(provider.family, caller, key, isStream),
    body: Buffer.from(JSON.stringify(dialect.request(asked.body, target.model ?? asked.model))),
  } as const;
  requireCover(provider, key);
  const came = await headOf(asked.signal, timeoutMs, (signal) =>
    setting.send(provider, { ...request, signal }).catch((error: unknown) => {
      throw unreachable(provider, signal.aborted ? signal.reason : error);
    }),
  );
  // A provider that says the key again must not say it to the sandbox.
  const response = key === undefined || key.length < KEY_MIN ? came : withoutValue(came, key, "[key]");
  if (response.status < 200 || response.status >= 300) throw await providerFailure(provider, response, key, timeoutMs);
  const headers = answerHeaders(response.headers);
  if ((mediaType(response.headers) === "text/event-stream") !== isStream) {
    response.body.stream.destroy();
    throw new CallFailure(
      "upstream",
      `The provider ${provider.name} answered ${isStream ? "without" : "with"} a stream`,
    );
  }
  if (isStream) return { dialect, headers, pieces: response.body.stream };
  return {
    dialect,
    headers,
    whole: await wholeOf(dialect, response, asked, timeoutMs),
  };
}

/** What is shorter is no secret, and stands in every other word. */
const KEY_MIN = 8;

/** Whatever gave the key: nobody on the way may read it. */
function requireCover({ name, local, baseUrl }: Provider, key: string | undefined): void {
  if (key === undefined || local || new URL(baseUrl).protocol !== "http:") return;
  throw new CallFailure("refused", `The key of the provider ${name} would go in clear`);
}

async function wholeOf(
  dialect: Dialect,
  { body: { stream } }: UpstreamResponse,
  { signal, body, hold }: Asked,
  idleMs: number,
): Promise<WholeAnswer> {
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return dialect.answer(await readAnswer({ stream, idleMs }, hold), body);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Waits for the head of an answer no longer than a provider may say nothing. What comes later is not cut off by that. */
async function headOf<T>(signal: AbortSignal, ms: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  const late = setTimeout(() => controller.abort(silent(ms)), ms);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await send(controller.signal);
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", abort);
  }
}
