/**
 * The kinds of providers: what each speaks, where it is, and the host's variables that hold its key.
 *
 * @module
 */
import type { ProviderKind } from "../types.ts";

/** The two languages that models are spoken to in. */
export type ApiFamily = "openai" | "anthropic";

/** What a provider of a kind is unless it says otherwise. */
export interface KindFacts {
  readonly family: ApiFamily;
  readonly baseUrl: string;
  /** The first of the host's variables that is set holds its key. */
  readonly keyVariables: readonly string[];
  /** Whether it answers nobody without a key. */
  readonly needsKey: boolean;
}

const remote = (baseUrl: string, ...keyVariables: string[]): KindFacts => {
  return { family: "openai", baseUrl, keyVariables, needsKey: true };
};

const own = (port: number, ...keyVariables: string[]): KindFacts => {
  return { family: "openai", baseUrl: `http://127.0.0.1:${port}/v1`, keyVariables, needsKey: false };
};

/** By name. */
export const KINDS: Readonly<Record<ProviderKind, KindFacts>> = {
  openai: remote("https://api.openai.com/v1", "OPENAI_API_KEY"),
  anthropic: { ...remote("https://api.anthropic.com", "ANTHROPIC_API_KEY"), family: "anthropic" },
  nvidia: remote("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY"),
  openrouter: remote("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
  gemini: remote("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
  ollama: own(11_434),
  vllm: own(8000, "VLLM_API_KEY"),
  nim: own(8000, "NIM_API_KEY"),
};
