import { describe, expect, test } from "vitest";
import { questionOf } from "../../src/approvals/question.ts";
import {
  explanationLines,
  hiddenLines,
  keysLine,
  PAGE_LINES,
  pageLines,
  questionLines,
  readKey,
} from "../../src/approvals/terminal/prompt.ts";
import type { ApprovalRequest, ApprovalScope } from "../../src/mod.ts";
import { asked, fileQuestion, hostQuestion, startQuestion } from "./support.ts";

const plain = (_: string, text: string) => text;
const lines = (request: ApprovalRequest) => {
  const question = questionOf(request, asked({ scopes: ["once", "session", "always"] }).context);
  return [...questionLines(question, 2, plain), ...explanationLines(question), keysLine(question)];
};

describe("a question on a terminal", () => {
  test("shows facts, the rule, the deadline, and what waits", () => {
    const text = lines(fileQuestion("/workspace/docs/a.md", { operation: "write" })).join("\n");
    expect(text).toContain("cofferdam asks: write /workspace/docs/a.md");
    expect(text).toMatch(/program +\/usr\/bin\/cat/);
    expect(text).toMatch(
      /rule would be +\{ filesystem: \{ write: \[ \{ path: \.\/docs\/a\.md, optional: true \} \] \} \}/,
    );
    expect(text).toMatch(/denied at \d\d:\d\d:\d\d UTC; 2 more wait/);
    expect(text).toContain("[o]nce, [s]ession, [a]lways, [d]eny, [ds] deny for the session, [?] explain:");
    expect(text).toMatch(/ds +it is denied when the same program does the same, until the sandbox ends/);
  });

  test.each<[string, ApprovalRequest]>([
    ["a path", fileQuestion("/workspace/\u001b[2J\r\n\u202egnp.exe\u0007\u009b1A\u2028")],
    ["arguments", startQuestion(["sh", "-c", "\u001b]0;x\u0007", "\u200b\u2066"])],
    [
      "a host and words",
      { ...hostQuestion(undefined, { host: "\u001bc" }), requested: "\u001b[8m\n[d]eny" } as ApprovalRequest,
    ],
    ["a reason", { ...fileQuestion("/a"), reason: "\u001b[1A[o]nce" }],
    [
      "a gate",
      {
        domain: "gate",
        gate: { name: "\u001b[2J", facts: [["\u001b", "\u202e"]], text: `\u001b[H\n${"x\n".repeat(500)}` },
        reason: "\r",
        askedBy: { kind: "policy" },
      },
    ],
  ])("shows nothing of %s that moves a cursor, hides, or turns a text round", (_, request) => {
    for (const line of lines(request)) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  test("is bounded, however long the facts are", () => {
    const all = lines(startQuestion(["x".repeat(1_000_000), ...Array.from({ length: 10_000 }, () => "\u001b")]));
    expect(all.length).toBeLessThan(70);
    expect(Math.max(...all.map((line) => line.length))).toBeLessThan(5000);
  });
});

describe("a text that is longer than a page", () => {
  // Whoever wrote it would have what matters where nobody looks: far down, or far to the right.
  const diff = [...Array.from({ length: 95 }, (_, at) => `+line ${at}`), `+${"x".repeat(1200)}rm -rf /`, "+end"];
  const gate: ApprovalRequest = {
    domain: "gate",
    gate: { name: "docs", facts: [["stage", "docs"]], text: `${diff.join("\n")}\n` },
    reason: "the gate asks",
    askedBy: { kind: "policy" },
  };
  const question = questionOf(gate, asked({ scopes: ["once"] }).context);

  test("is shown page by page to its last character, and the keys say how much is hidden", () => {
    const first = questionLines(question, 0, plain).filter((line) => line.startsWith("  | "));
    expect(first).toHaveLength(PAGE_LINES);
    expect(keysLine(question, hiddenLines(question, PAGE_LINES))).toBe(
      "[y]es, [d]eny, [m]ore (59 lines are not shown yet), [?] explain: ",
    );
    const rest = [PAGE_LINES, 2 * PAGE_LINES].flatMap((from) => pageLines(question, from));
    const shown = [...first, ...rest].map((line) => line.slice(4)).join("");
    expect(shown).toBe(diff.join(""));
    expect(hiddenLines(question, 3 * PAGE_LINES)).toBe(0);
    expect(keysLine(question, 1)).toContain("1 line is not shown yet");
    expect(explanationLines(question).join("\n")).toContain("m   more of the text");
    expect(readKey("M", ["once"])).toBe("more");
  });
});

describe("readKey()", () => {
  const allow = (scope: ApprovalScope) => ({ verdict: "allow", scope });
  const deny = (scope: ApprovalScope) => ({ verdict: "deny", scope });

  test.each([
    ["o", allow("once")],
    [" S ", allow("session")],
    ["always", allow("always")],
    ["d", { verdict: "deny" }],
    ["n", { verdict: "deny" }],
    ["ds", deny("session")],
    ["deny session", deny("session")],
    ["DA", deny("always")],
    ["?", "explain"],
    ["y", undefined],
    ["", undefined],
    ["os", undefined],
    ["do", undefined],
    ["sd", undefined],
  ])("takes %j", (typed, key) => {
    expect(readKey(typed, ["once", "session", "always"])).toEqual(key);
  });

  test("takes no scope that is not offered, and a yes where there is but one", () => {
    for (const key of ["a", "da"]) expect(readKey(key, ["once", "session"])).toBeUndefined();
    expect(readKey("y", ["once"])).toEqual(allow("once"));
    expect(readKey("ds", ["once"])).toBeUndefined();
    // There a plain no is as long.
    expect(readKey("ds", ["session"])).toBeUndefined();
    expect(keysLine({ scopes: ["session"], domain: "network" })).toBe("[s]ession, [d]eny, [?] explain: ");
  });
});
