import { describe, expect, test } from "vitest";
import { type BrokerEvent, createApprovalBroker, type RefusedAnswer } from "../../src/mod.ts";
import { asked, fileQuestion, hostQuestion } from "./support.ts";

const QUESTION = fileQuestion("/workspace/a\u202e", { operation: "write" });

describe("createApprovalBroker()", () => {
  test("lists what waits as plain data, and answers by id, once", async () => {
    const broker = createApprovalBroker();
    const events: BrokerEvent[] = [];
    const stop = broker.watch((event) => events.push(event));
    const { context, refused } = asked();
    const pending = broker.approve(QUESTION, context);
    const [question] = broker.list();
    expect(question).toMatchObject({
      id: context.id,
      sandbox: "5a4db0",
      domain: "filesystem",
      title: "write /workspace/a\u202e",
      facts: [
        ["path", "/workspace/a\u202e"],
        ["program", "/usr/bin/cat"],
        ["because", "it asks"],
      ],
      suggestion: { version: 1, filesystem: { write: [{ path: "./a\u202e", optional: true }] } },
      scopes: ["once", "session"],
      expiresAt: context.expiresAt,
    });
    expect(JSON.parse(JSON.stringify(question))).toEqual(question);
    broker.answer(context.id, { verdict: "allow", by: "ada", scope: "session" });
    expect(await pending).toEqual({ verdict: "allow", by: "ada", scope: "session" });
    expect(broker.list()).toEqual([]);
    expect(() => broker.answer(context.id, { verdict: "deny", by: "eve" })).toThrow("it was answered already");
    expect(refused).toEqual([{ id: context.id, why: "double", by: "eve" }]);
    expect(events.map(({ kind }) => kind)).toEqual(["pending", "settled"]);
    stop();
  });

  test("refuses what comes too late, and what nobody asked", async () => {
    const heard: RefusedAnswer[] = [];
    const broker = createApprovalBroker({ onRefused: (answer) => heard.push(answer) });
    const [first, second, third] = [asked(), asked(), asked({ sandbox: "other" })];
    const pending = broker.approve(QUESTION, first.context);
    first.end();
    expect(await pending).toBeUndefined();
    expect(() => broker.answer(first.context.id, true)).toThrow("nobody waits");
    expect(first.refused).toEqual([{ id: first.context.id, why: "late" }]);
    void broker.approve(QUESTION, second.context);
    void broker.approve(QUESTION, third.context);
    expect(() => broker.answer("guess", { verdict: "allow", by: "eve" })).toThrow("there is no such question");
    for (const { refused } of [second, third]) expect(refused).toEqual([{ id: "guess", why: "unknown", by: "eve" }]);
    expect(first.refused).toHaveLength(1);
    broker.refuse({ id: second.context.id, why: "forged" });
    expect(second.refused.at(-1)).toEqual({ id: second.context.id, why: "forged" });
    expect(third.refused).toHaveLength(1);
    expect(heard.map(({ why }) => why)).toEqual(["late", "unknown", "forged"]);
    expect(broker.list()).toHaveLength(2);
  });

  test.each([["yes"], [null], [{ verdict: "allow", scope: "forever" }], [{ verdict: "ask" }], [1]])(
    "goes on waiting after %o",
    (answer) => {
      const broker = createApprovalBroker();
      const { context } = asked();
      void broker.approve(QUESTION, context);
      expect(() => broker.answer(context.id, answer as never)).toThrow("it is no answer");
      expect(broker.list()).toHaveLength(1);
    },
  );

  test("holds so many, and no more", async () => {
    const broker = createApprovalBroker({ maxPending: 1 });
    void broker.approve(QUESTION, asked().context);
    expect(await broker.approve(QUESTION, asked().context)).toEqual({
      verdict: "deny",
      reason: "too many questions wait for an answer",
    });
    expect(() => createApprovalBroker({ maxPending: 0 })).toThrow("Cannot hold 0");
  });

  test("waits for a question", async () => {
    const broker = createApprovalBroker();
    const waiting = broker.wait();
    const { context } = asked();
    void broker.approve(hostQuestion(), context);
    expect((await waiting).title).toBe("connect to api.test:443");
    expect((await broker.wait()).id).toBe(context.id);
    broker.answer(context.id, false);
    await expect(broker.wait({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const controller = new AbortController();
    const never = broker.wait({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(never).rejects.toThrow("enough");
  });
});
