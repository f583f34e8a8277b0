/**
 * What a call said as it is recorded: without secrets, and no more of it than a record should hold.
 *
 * @module
 */
import { type CallContent, type KnownSecret, redactText } from "../../audit/mod.ts";
import { needlesOf } from "../../credentials/needles.ts";
import type { CallRecord } from "../../domains/inference/mod.ts";
import { keysIn } from "../../domains/inference/privacy/built-in.ts";
import type { Span } from "../../domains/inference/privacy/spans.ts";
import type { Json } from "../../domains/inference/router/json.ts";

/** How much is recorded of a text, in characters. A request says the conversation again, and what is new at its end. */
const REQUEST = { head: 8192, tail: 24_576 } as const;
const ANSWER = { head: 32_768, tail: 0 } as const;

/** No token is longer: what is looked at beyond a cut, so that none is recorded in part. */
const BEYOND = 16_384;

/** Says it. Undefined: nothing is recorded. */
export function contentOf(
  { content, privacy }: Pick<CallRecord, "content" | "privacy">,
  secrets: () => readonly KnownSecret[],
): CallContent | undefined {
  // What a rule of privacy is about would be kept in the log, and answers repeat it.
  if (content === undefined || privacy.length > 0) return undefined;
  const known = secrets().map(({ name, values }) => ({ name, values: values.flatMap(formsOf) }));
  const { request, answer } = content;
  return {
    request: excerpt(textOf(request, known), REQUEST),
    ...(answer === undefined ? {} : { answer: excerpt(textOf(answer, known), ANSWER) }),
  };
}

/** As JSON. Each text is looked at by itself, for in JSON what was escaped in it is escaped twice; names of keys are in the whole. */
function textOf(value: Json, secrets: readonly KnownSecret[]): string {
  const redacted = (_: string, each: unknown) => (typeof each === "string" ? redactText(each, secrets) : each);
  return redactText(JSON.stringify(value, redacted), secrets);
}

/** A secret as it may stand in JSON, in a URL, or in base64. */
function formsOf(value: string | Uint8Array): readonly (string | Uint8Array)[] {
  return typeof value === "string" && value !== "" ? needlesOf(value, "").map(({ bytes }) => bytes) : [value];
}

/** The beginning and the end of a text, without what looks like a key. */
function excerpt(text: string, { head, tail }: { readonly head: number; readonly tail: number }): string {
  if (text.length <= head + tail) return covered(text, keysIn(text), 0, text.length);
  const from = text.length - tail;
  const begun = covered(text, keysIn(text.slice(0, head + BEYOND)), 0, head);
  const start = Math.max(0, from - BEYOND);
  const ended = tail === 0 ? [] : keysIn(text.slice(start)).map(([a, b]): Span => [a + start, b + start]);
  return `${begun}[cut: ${from - head} characters]${covered(text, ended, from, text.length)}`;
}

/** A part of a text, with a mark where a span reaches into it. */
function covered(text: string, spans: readonly Span[], from: number, to: number): string {
  let made = "";
  let at = from;
  for (const [start, end] of [...spans].sort(([a], [b]) => a - b)) {
    if (end <= at || start >= to) continue;
    made += `${text.slice(at, Math.max(at, start))}[redacted: key]`;
    at = Math.min(end, to);
  }
  return made + text.slice(at, to);
}
