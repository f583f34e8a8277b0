/**
 * `cofferdam approvals`: what sandboxes in the background wait to be told.
 *
 * @module
 */

import { explanationLines, questionLines } from "../../approvals/terminal/prompt.ts";
import { rowsOf } from "../../approvals/terminal/rows.ts";
import { displaySafe } from "../../audit/display.ts";
import type { ApprovalQuestion } from "../../mod.ts";
import { ask } from "../control/client.ts";
import { socketNames } from "../control/directory.ts";
import { UsageError } from "../failure.ts";
import { styleOf } from "../style.ts";
import { aside, say, sayJson } from "../write.ts";

/** A question, and the sandbox that asks it. */
interface Asked {
  readonly name: string;
  readonly question: ApprovalQuestion;
}

/** Prints the questions of all sandboxes, or of one. */
export async function listApprovals(name: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  const asked = await questions(name);
  if (json) return sayJson(asked.map(({ name: sandbox, question }) => ({ name: sandbox, ...question })));
  const style = styleOf(process.stdout);
  for (const { name: sandbox, question } of asked) {
    say(`${style("bold", displaySafe(question.id.slice(0, SHORT)))} ${style("dim", `in ${sandbox}`)}`);
    const lines = questionLines(question, 0, style, Number.POSITIVE_INFINITY);
    const { columns } = process.stdout;
    for (const line of [...lines, ...explanationLines(question)]) for (const row of rowsOf(line, columns)) say(row);
  }
  if (asked.length === 0) aside("Nothing waits for an answer");
}

/** What an answer may say. */
export interface AnswerFlags {
  readonly scope?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

/** Answers one. */
export async function answerApproval(id: string, verdict: "allow" | "deny", flags: AnswerFlags): Promise<void> {
  const { scope, reason, json } = flags;
  const { name, question } = await find(id);
  const answer = {
    question: question.id,
    verdict,
    ...(scope === undefined ? {} : { scope }),
    ...(reason === undefined ? {} : { reason }),
  };
  await ask(name, "answer", answer);
  if (json) sayJson({ name, ...answer });
  else aside(`${verdict === "allow" ? "Allowed" : "Denied"}: ${displaySafe(question.title)}`);
}

/** How much of an id is shown, and at least has to be said. */
const SHORT = 8;
const SHORT_MIN = 4;

async function find(id: string): Promise<Asked> {
  const meant = (await questions(undefined)).filter(
    ({ question }) => id.length >= SHORT_MIN && question.id.startsWith(id),
  );
  const [first, second] = meant;
  if (first === undefined)
    throw new UsageError(`No question ${JSON.stringify(id)} waits: see cofferdam approvals list`);
  if (second !== undefined) throw new UsageError(`More than one question begins with ${JSON.stringify(id)}`);
  return first;
}

async function questions(name: string | undefined): Promise<Asked[]> {
  const names = name === undefined ? socketNames() : [name];
  const answers = await Promise.all(
    names.map(async (each) => {
      const { questions: found } = await ask(each, "approvals").catch((error: unknown) => {
        // One that has gone meanwhile asks nothing.
        if (name === undefined) return { questions: [] };
        throw error;
      });
      return (found as readonly ApprovalQuestion[]).map((question) => ({ name: each, question }));
    }),
  );
  return answers.flat();
}
