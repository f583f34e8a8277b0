/**
 * A question as a message of Slack: plain text everywhere, so that nothing in it is markup, a link or a mention.
 *
 * @module
 * @see {@link https://docs.slack.dev/reference/block-kit | Block Kit}
 */
import { type ApprovalQuestion, displaySafe } from "../../src/mod.ts";

const TEXT_MAX = 2900;
const READ_MAX = 2800;
const HEADER_MAX = 150;
const FACT_MAX = 400;
const LABELS = { once: "Once", session: "Session", always: "Always" } as const;

/** Makes it. */
export function messageOf({ id, title, facts, text, scopes, expiresAt, sandbox }: ApprovalQuestion): object {
  const lines = facts.map(([name, value]) => `${safe(name)}: ${safe(value)}`);
  const button = (action: string, label: string, style: object = {}) => ({
    type: "button",
    action_id: `cofferdam:${action}`,
    value: id,
    text: { type: "plain_text", text: label },
    ...style,
  });
  return {
    text: clip(`A sandbox asks: ${escaped(safe(title))}`, TEXT_MAX),
    blocks: [
      { type: "header", text: { type: "plain_text", text: clip(safe(title), HEADER_MAX), emoji: false } },
      // What matters of a command may stand at its end.
      ...(title.length <= HEADER_MAX
        ? []
        : [{ type: "section", text: { type: "plain_text", text: shown(title), emoji: false } }]),
      { type: "section", text: { type: "plain_text", text: clip(lines.join("\n"), TEXT_MAX), emoji: false } },
      ...(text === undefined
        ? []
        : [{ type: "section", text: { type: "plain_text", text: shown(text), emoji: false } }]),
      {
        type: "context",
        elements: [{ type: "plain_text", text: `sandbox ${sandbox}, denied at ${expiresAt}`, emoji: false }],
      },
      {
        type: "actions",
        elements: [
          ...scopes.map((scope) =>
            button(`allow:${scope}`, LABELS[scope], scope === "once" ? { style: "primary" } : {}),
          ),
          button("deny", "Deny", { style: "danger" }),
        ],
      },
    ],
  };
}

/** What is to be read before anybody answers; how much of it is missing is said where it cannot be overlooked. */
function shown(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => displaySafe(line))
    .join("\n");
  if (lines.length <= TEXT_MAX) return lines;
  return `NOT ALL OF IT: ${lines.length - READ_MAX} more characters are not shown\n${lines.slice(0, READ_MAX)}`;
}

function safe(text: string): string {
  return clip(displaySafe(text.slice(0, FACT_MAX)), FACT_MAX);
}

/** The text of a notification is always markup. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}
