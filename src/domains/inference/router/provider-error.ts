/**
 * What a provider says went wrong, as what the client may hear of it.
 *
 * @module
 */
import type { UpstreamResponse } from "../../../egress/http/exchange.ts";
import { failureOf } from "../../../egress/http/failure.ts";
import type { Provider } from "../../../policy/providers/read.ts";
import { CallFailure, type FailureKind } from "./errors.ts";
import { answerHeaders } from "./headers.ts";
import { objectOf, parseJson, textOf } from "./json.ts";
import { readBytes } from "./relay.ts";

/** The longest error that is read, in bytes, and the longest message that is passed on, in characters. */
const ERROR_BYTES_MAX = 65_536;
const MESSAGE_MAX = 4096;

/** Reads an answer that is no success. */
export async function providerFailure(
  provider: Provider,
  { status, headers, body }: UpstreamResponse,
  key: string | undefined,
  idleMs: number,
): Promise<CallFailure> {
  const text = await readBytes({ stream: body.stream, idleMs }, ERROR_BYTES_MAX).then(String, () => "");
  // Some providers repeat the key, or a part of it.
  if (status === 401 || status === 403) {
    return new CallFailure("refused", `The provider ${provider.name} refuses the host's key or account (${status})`);
  }
  const error = errorIn(text);
  const said = textOf(error?.message) ?? `status ${status}`;
  const message = (key === undefined ? said : said.replaceAll(key, "[key]")).slice(0, MESSAGE_MAX);
  const words = {
    ...given("type", textOf(error?.type)),
    ...given("code", textOf(error?.code)),
    ...given("param", textOf(error?.param)),
  };
  return new CallFailure(kindOf(status), `${provider.name}: ${message}`, {
    ...(status >= 400 ? { status } : {}),
    ...(error === undefined ? {} : { words: { family: provider.family, said: words } }),
    headers: answerHeaders(headers),
  });
}

/** The error of either family; some servers put it in a list, or say only a text. */
function errorIn(text: string) {
  const json = parseJson(text);
  const outer = objectOf(Array.isArray(json) ? json[0] : json);
  return objectOf(outer?.error) ?? (typeof outer?.error === "string" ? { message: outer.error } : undefined) ?? outer;
}

function given<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value.slice(0, 256) } as { readonly [P in K]?: string });
}

function kindOf(status: number): FailureKind {
  if (status === 429) return "rate";
  if (status === 413) return "too_large";
  if (status === 404) return "not_found";
  return status >= 400 && status < 500 && status !== 408 ? "invalid" : "upstream";
}

/** There was a connection, and the call may have gone over it. */
const BROKEN_OFF: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

/** A provider that was not reached. */
export function unreachable({ name }: Provider, error: unknown): CallFailure {
  if (error instanceof CallFailure) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  return new CallFailure("unreachable", `The provider ${name} was not reached: ${failureOf(error).reason}`, {
    ...(BROKEN_OFF.has(code) ? { taken: true } : {}),
  });
}
