/**
 * What hooks make of the answer of one call, whole or in pieces.
 *
 * @module
 */
import type { AnswerHooks, Decided, InferenceAbout, InferenceAnswer, InferenceChunk } from "../../../hooks/mod.ts";
import type { PieceHearer } from "../pieces/piece.ts";
import { CallFailure } from "./errors.ts";
import type { JsonObject } from "./json.ts";

/** Asks hooks about answers. Nothing of it rejects. */
export interface AnswerJudge {
  /** Which of an answer's hooks there are for a call. */
  of(about: Pick<InferenceAbout, "model" | "binary">): AnswerHooks;
  chunk(chunk: InferenceChunk, signal: AbortSignal): Promise<{ readonly decided: Decided; readonly text: string }>;
  answer(
    answer: InferenceAnswer,
    signal: AbortSignal,
  ): Promise<{ readonly decided: Decided; readonly body: JsonObject }>;
}

/** What an answer is heard with. */
export interface HearingParts {
  readonly judge: AnswerJudge;
  readonly about: InferenceAbout;
  readonly signal: AbortSignal;
  onDenied(decided: Decided): void;
}

/** Hears one answer. */
export class Hearing {
  readonly #parts: HearingParts;

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  /** Who is asked about its pieces. Undefined: no hook is. */
  pieces(): PieceHearer | undefined {
    const { judge, about, signal } = this.#parts;
    const { chunk: isHeard, ends } = judge.of(about);
    if (!isHeard) return undefined;
    return {
      hearsEnds: ends,
      ask: async ({ kind, part, text, tool, end }) => {
        const said = { ...about, kind, part, text, ...(tool === undefined ? {} : { tool }) };
        const { decided, text: passed } = await judge.chunk(end === undefined ? said : { ...said, end }, signal);
        this.#require(decided);
        return passed;
      },
    };
  }

  /** The whole answer as the client gets it. @throws {CallFailure} If it may not. */
  async whole(body: JsonObject): Promise<JsonObject> {
    const { judge, about, signal } = this.#parts;
    if (!judge.of(about).answer) return body;
    const { decided, body: passed } = await judge.answer({ ...about, body }, signal);
    this.#require(decided);
    return passed;
  }

  #require(decided: Decided): void {
    if (decided.verdict === "allow") return;
    this.#parts.onDenied(decided);
    throw new CallFailure("denied", `The answer was denied: ${decided.reason}`);
  }
}
