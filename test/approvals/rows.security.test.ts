import { describe, expect, test } from "vitest";
import { questionOf } from "../../src/approvals/question.ts";
import { questionLines } from "../../src/approvals/terminal/prompt.ts";
import { rowsOf } from "../../src/approvals/terminal/rows.ts";
import type { ApprovalRequest } from "../../src/mod.ts";
import { asked } from "./support.ts";

const COLUMNS = 44;
const bold = (_: string, text: string) => `\u001b[1m${text}\u001b[22m`;

describe("rowsOf()", () => {
  test("lets no text of a sandbox stand where a line of ours would begin", () => {
    // As long as a row, so that a terminal that breaks lines puts it at its edge.
    const fake = "cofferdam asks: read ./README.md".padEnd(COLUMNS);
    const text = `${fake.repeat(9)}\n${"漢".repeat(60)}`;
    const request: ApprovalRequest = {
      domain: "gate",
      gate: { name: fake.repeat(6), facts: [["path", fake.repeat(9)]], text },
      reason: "r",
      askedBy: { kind: "policy" },
    };
    const lines = questionLines(questionOf(request, asked().context), 0, bold);
    const rows = lines.flatMap((line) => rowsOf(line, COLUMNS)).map((row) => row.replace(/\u001b\[\d+m/g, ""));
    expect(rows.filter((row) => !row.startsWith("  "))).toEqual([expect.stringMatching(/^cofferdam asks: /)]);
    expect(rows.filter((row) => row.startsWith("  | ")).length).toBeGreaterThan(12);
    for (const row of rows) expect(row.length + (row.match(/漢/g)?.length ?? 0)).toBeLessThanOrEqual(COLUMNS);
    expect(rows.join("").match(/漢/g)).toHaveLength(60);
  });

  test("leaves alone what is short enough", () => {
    expect(rowsOf(`\u001b[1m${"x".repeat(COLUMNS)}\u001b[22m`, COLUMNS)).toHaveLength(1);
    expect(rowsOf("", COLUMNS)).toEqual([""]);
  });
});
