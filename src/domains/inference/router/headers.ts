/**
 * Headers of calls: what the caller sends is dropped but for what is known, and the host's key is put in.
 *
 * @module
 */
import { type HeaderLines, valuesOf } from "../../../egress/http/headers.ts";
import type { ApiFamily } from "../../../policy/providers/kinds.ts";

/** What a caller may say beside the body, by the family that it is about. */
const KNOWN: Readonly<Record<ApiFamily, readonly string[]>> = {
  openai: ["openai-beta"],
  anthropic: ["anthropic-version", "anthropic-beta"],
};

/** The version of Anthropic's API that is spoken where the caller names none. */
const ANTHROPIC_VERSION = "2023-06-01";

const SUBSCRIPTION_BETA = "oauth-2025-04-20";

/** Names and versions of features; nothing that could hide something else. */
const PLAIN = /^[A-Za-z0-9._,=; -]{1,1024}$/;

/** The headers of a request to a provider. */
export function requestHeaders(
  family: ApiFamily,
  caller: { readonly family: ApiFamily; readonly headers: Headers },
  key: string | undefined,
  stream: boolean,
): HeaderLines {
  const known = KNOWN[family].flatMap((name): [string, string][] => {
    const value = caller.family === family ? caller.headers.get(name) : null;
    return value !== null && PLAIN.test(value) ? [[name, value]] : [];
  });
  const isVersioned = known.some(([name]) => name === "anthropic-version");
  return [
    ["content-type", "application/json"],
    ["accept", stream ? "text/event-stream" : "application/json"],
    ["accept-encoding", "identity"],
    ["user-agent", "cofferdam"],
    ...(family === "anthropic" && isSubscription(key) ? withBeta(known, SUBSCRIPTION_BETA) : known),
    ...(family === "anthropic" && !isVersioned ? ([["anthropic-version", ANTHROPIC_VERSION]] as const) : []),
    ...keyHeader(family, key),
  ];
}

function keyHeader(family: ApiFamily, key: string | undefined): HeaderLines {
  if (key === undefined) return [];
  const isKey = family === "anthropic" && !isSubscription(key);
  return isKey ? [["x-api-key", key]] : [["authorization", `Bearer ${key}`]];
}

/** Anthropic's API takes tokens of subscriptions, too, from those who say that they know of it. */
function isSubscription(key: string | undefined): boolean {
  return key?.startsWith("sk-ant-oat") === true;
}

function withBeta(known: readonly [string, string][], beta: string): [string, string][] {
  const said = known.find(([name]) => name === "anthropic-beta")?.[1];
  if (said?.split(",").some((each) => each.trim() === beta)) return [...known];
  const others = known.filter(([name]) => name !== "anthropic-beta");
  return [...others, ["anthropic-beta", said === undefined ? beta : `${said},${beta}`]];
}

/** What of a provider's answer is about the call, and not about the account of the host. */
const RELAYED =
  /^(?:request-id|x-request-id|retry-after|retry-after-ms|x-should-retry|openai-version|openai-processing-ms|openai-model)$/;

/** The headers of an answer that the caller gets. */
export function answerHeaders(lines: HeaderLines): [string, string][] {
  return lines.flatMap(([name, value]): [string, string][] => {
    const lower = name.toLowerCase();
    return RELAYED.test(lower) && /^[\x20-\x7e]{0,1024}$/.test(value) ? [[lower, value]] : [];
  });
}

/** The media type of an answer. */
export function mediaType(lines: HeaderLines): string {
  const [type = ""] = valuesOf(lines, "content-type");
  return (type.split(";")[0] ?? "").trim().toLowerCase();
}
