import { describe, expect, test } from "vitest";
import { type ApprovalAnswer, type Approver, askApprover, firstAnswer, quorum } from "../../src/mod.ts";
import { asked, fileQuestion } from "./support.ts";

const QUESTION = fileQuestion("/workspace/a");
const yes =
  (by?: string, scope?: "once" | "session"): Approver =>
  () => ({
    verdict: "allow",
    ...(by === undefined ? {} : { by }),
    ...(scope === undefined ? {} : { scope }),
  });
const no =
  (by: string): Approver =>
  async () => ({ verdict: "deny", by, reason: "not now" });
const broken: Approver = () => {
  throw new Error("the line is dead");
};
const nonsense: Approver = () => "yes" as never;
const silent: Approver = () => undefined;

/** An approver that can be answered, and hears when nobody waits. */
function person() {
  let give: (answer: ApprovalAnswer) => void = () => undefined;
  const gone: unknown[] = [];
  const approve: Approver = (_, { signal }) => {
    signal.addEventListener("abort", () => gone.push(signal.reason));
    return new Promise((resolve) => {
      give = resolve;
    });
  };
  return { approve, gone, answer: (answer: ApprovalAnswer) => give(answer) };
}

describe("firstAnswer()", () => {
  test("takes the first, whatever it is, and tells the others", async () => {
    const [ada, grace] = [person(), person()];
    const pending = firstAnswer(silent, ada.approve, broken, grace.approve)(QUESTION, asked().context);
    await Promise.resolve();
    grace.answer({ verdict: "deny", by: "grace" });
    expect(await pending).toMatchObject({ verdict: "deny", by: "grace" });
    expect(ada.gone).toHaveLength(1);
    ada.answer({ verdict: "allow" });
  });

  test("is a no where nobody is left who could answer", async () => {
    expect(await firstAnswer(broken, nonsense, silent)(QUESTION, asked().context)).toEqual({
      verdict: "deny",
      scope: "once",
      reason: "no approver answered",
    });
  });

  test("tells everybody when nobody waits any more", async () => {
    const ada = person();
    const { context, end } = asked();
    void firstAnswer(ada.approve)(QUESTION, context);
    end();
    expect(ada.gone).toHaveLength(1);
  });
});

describe("quorum()", () => {
  test.each<[string, number, Approver[], object]>([
    ["two of three", 2, [yes("ada"), no("joan"), yes("grace")], { verdict: "allow", by: "ada, grace" }],
    ["the shortest scope", 2, [yes("ada", "session"), yes("grace", "once")], { verdict: "allow", scope: "once" }],
    [
      "one of three",
      2,
      [yes("ada"), no("joan"), no("grace")],
      { verdict: "deny", reason: "1 of 2 allowed it: not now; not now" },
    ],
    ["one person twice", 2, [yes("ada"), yes("ada"), no("joan")], { verdict: "deny" }],
    [
      "one person who says both",
      2,
      [() => ({ verdict: "deny", by: "ada" }), yes("ada"), yes("grace")],
      { verdict: "deny" },
    ],
    ["two without names", 2, [yes(), yes()], { verdict: "allow" }],
    ["a broken one", 2, [yes("ada"), broken], { verdict: "deny" }],
    ["nonsense", 1, [nonsense], { verdict: "deny" }],
  ])("counts %s", async (_, needed, approvers, answer) => {
    expect(await quorum(needed, ...approvers)(QUESTION, asked().context)).toMatchObject(answer);
  });

  test("ends as soon as too few are left", async () => {
    const ada = person();
    expect(await quorum(2, no("joan"), ada.approve)(QUESTION, asked().context)).toMatchObject({ verdict: "deny" });
    expect(ada.gone).toHaveLength(1);
  });

  test.each([[0], [3], [1.5]])("refuses %s of two", (needed) => {
    expect(() => quorum(needed, yes("ada"), yes("grace"))).toThrow("Cannot ask for");
  });

  test("refuses one twice, none, and what is no function", () => {
    const ada = yes("ada");
    expect(() => quorum(2, ada, ada)).toThrow("one is there twice");
    expect(() => firstAnswer()).toThrow("there is none");
    expect(() => firstAnswer(true as never)).toThrow("one is no function");
  });
});

describe("askApprover()", () => {
  const gate = {
    domain: "gate",
    gate: { name: "docs: the diff", facts: [["files", "3"]] },
    reason: "a person has to look",
    askedBy: { kind: "policy" },
  } as const;

  test.each<[string, Approver, object]>([
    ["a yes", yes("ada"), { allowed: true, by: "ada", reason: "it was approved" }],
    ["a no", no("joan"), { allowed: false, by: "joan", reason: "not now" }],
    ["a throw", broken, { allowed: false, reason: "the approver failed" }],
    ["nonsense", nonsense, { allowed: false, reason: "the approver gave no answer" }],
    ["silence", () => new Promise(() => undefined), { allowed: false, reason: "it was not approved within 20 ms" }],
  ])("takes %s", async (_, approve, outcome) => {
    expect(await askApprover(approve, gate, { asker: "pipeline", timeoutMs: 20 })).toMatchObject(outcome);
  });

  test("ends with its signal, and tells the approver", async () => {
    const ada = person();
    const controller = new AbortController();
    const pending = askApprover(ada.approve, gate, { asker: "pipeline", signal: controller.signal });
    controller.abort();
    expect(await pending).toMatchObject({ allowed: false, reason: "nobody waits for the answer any more" });
    expect(ada.gone).toHaveLength(1);
  });
});
