/**
 * Answers of models as plugins hear them.
 *
 * @module
 */
import type { AnswerJudge } from "../../domains/inference/mod.ts";
import type { JsonObject } from "../../domains/inference/router/json.ts";
import { HookedAnswer, HookedChunk, type PluginRegistry } from "../../hooks/mod.ts";

/** Whom answers are told. Undefined: no hook wants to hear them. */
export function answerJudge(registry: PluginRegistry): AnswerJudge | undefined {
  if (!registry.hearsAnswers) return undefined;
  const ruling = ({ ruleId }: { readonly ruleId: string }) => ({ verdict: "allow", ruleId }) as const;
  return {
    of: (about) => registry.answerHooks(about),
    chunk: async (chunk, signal) => {
      const hooked = new HookedChunk(chunk);
      const decided = await registry.decideChunk(hooked, ruling(chunk), { signal });
      return { decided, text: hooked.current.text };
    },
    answer: async (answer, signal) => {
      const hooked = new HookedAnswer(answer);
      const decided = await registry.decideAnswer(hooked, ruling(answer), { signal });
      // Hooks leave plain data, as the answer was.
      return { decided, body: hooked.current.body as JsonObject };
    },
  };
}
