/**
 * How many tokens a call took, as the two families tell it.
 *
 * @module
 */
import { type Json, numberOf, objectOf } from "./json.ts";

/** Tokens of a call. */
export interface Usage {
  /** Everything that was read, from a cache or not. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the input: what came from the provider's cache. */
  readonly cachedTokens: number;
  /** The provider did not say, or not all of it. */
  readonly estimated?: true;
}

/** Nothing yet. */
export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0 };

/** As many bytes of JSON are taken for a token where nobody counts. */
const BYTES_PER_TOKEN = 4;

/** What so many bytes may be. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** Reads `usage` of an answer of the OpenAI family, in either of its two spellings. */
export function openaiUsage(value: Json | undefined): Usage | undefined {
  const usage = objectOf(value);
  if (usage === undefined) return undefined;
  const inputTokens = numberOf(usage.prompt_tokens) ?? numberOf(usage.input_tokens);
  const outputTokens = numberOf(usage.completion_tokens) ?? numberOf(usage.output_tokens);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const details = objectOf(usage.prompt_tokens_details) ?? objectOf(usage.input_tokens_details);
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    // A provider that says more than it read would lower what the call costs.
    cachedTokens: Math.min(inputTokens ?? 0, numberOf(details?.cached_tokens) ?? 0),
  };
}

/**
 * Reads `usage` of an answer of Anthropic's, over what was known before: a stream tells it in two pieces. Undefined: nothing was
 * told, which is not the same as nothing used.
 */
export function anthropicUsage(value: Json | undefined, known?: Usage): Usage | undefined {
  const usage = objectOf(value);
  const cachedTokens = numberOf(usage?.cache_read_input_tokens);
  const fresh = numberOf(usage?.input_tokens);
  const written = numberOf(usage?.cache_creation_input_tokens);
  const outputTokens = numberOf(usage?.output_tokens);
  const isInput = fresh !== undefined || cachedTokens !== undefined || written !== undefined;
  if (!isInput && outputTokens === undefined) return known;
  const before = known ?? NO_USAGE;
  return {
    inputTokens: isInput ? (fresh ?? 0) + (written ?? 0) + (cachedTokens ?? 0) : before.inputTokens,
    outputTokens: outputTokens ?? before.outputTokens,
    cachedTokens: cachedTokens ?? before.cachedTokens,
  };
}
