/**
 * An answer that came over HTTP: read strictly, and bounded.
 *
 * @module
 */
import { z } from "zod";
import type { ApprovalAnswer } from "../../hooks/approval-types.ts";

/** How long an answer may be, in bytes. */
export const ANSWER_BYTES_MAX: number = 65_536;

/** An answer, and the question that it is for. */
export interface SentAnswer {
  readonly question: string;
  readonly answer: ApprovalAnswer;
}

const schema = z.strictObject({
  // A question that is sent back to its sender is signed as well.
  type: z.literal("approval.answered"),
  question: z.string().min(1).max(128),
  verdict: z.enum(["allow", "deny"]),
  scope: z.enum(["once", "session", "always"]).optional(),
  by: z.string().min(1).max(128).optional(),
  reason: z.string().max(1000).optional(),
});

/** Reads the text of a body; undefined: it is longer than an answer may be, or not there. */
export async function readText(message: Request | Response): Promise<string | undefined> {
  if (message.body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of message.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Reads an answer; undefined: it is none. */
export function readAnswer(text: string): SentAnswer | undefined {
  const { data } = schema.safeParse(parse(text));
  if (data === undefined) return undefined;
  const { question, verdict, scope, by, reason } = data;
  return {
    question,
    answer: {
      verdict,
      ...(scope === undefined ? {} : { scope }),
      ...(by === undefined ? {} : { by }),
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
