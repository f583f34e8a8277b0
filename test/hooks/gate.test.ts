import { expect, test } from "vitest";
import { Gate } from "../../src/hooks/gate.ts";

test("Gate serves the line in order, and nobody overtakes it", () => {
  const gate = new Gate(1, 2);
  const log: string[] = [];
  const waiter = (name: string) => ({
    start: () => {
      log.push(name);
      gate.leave();
      log.push(gate.enter() ? "free" : "taken");
    },
    cancel: () => void log.push(`${name} cancelled`),
  });
  expect(gate.enter()).toBe(true);
  expect(gate.enter()).toBe(false);
  expect([gate.wait(waiter("a")), gate.wait(waiter("b")), gate.wait(waiter("c"))]).toEqual([true, true, false]);
  gate.leave();
  // Behind the last one nobody stands: the place is free.
  expect(log).toEqual(["a", "taken", "b", "free"]);
});

test("Gate leaves room for other commands, whatever one asks, and lets those in line take turns", () => {
  const gate = new Gate(16, 64);
  const log: string[] = [];
  const stand = (command: number, name: string) => {
    return gate.wait({ command, start: () => void log.push(name), cancel: () => undefined });
  };
  let greedy = 0;
  while (gate.enter(1)) greedy++;
  expect(greedy).toBe(12);
  let waiting = 0;
  while (stand(1, `greedy ${waiting}`)) waiting++;
  expect(waiting).toBe(48);
  expect([gate.enter(2), gate.enter(3), gate.enter(1)]).toEqual([true, true, false]);
  while (gate.enter(4) || gate.enter(5) || gate.enter(6)) greedy++;
  expect([stand(2, "second"), stand(3, "third")]).toEqual([true, true]);
  for (let index = 0; index < 5; index++) gate.leave(1);
  // Whoever has less than others is served first, however many of theirs stood in line before.
  expect(log.slice(0, 2)).toEqual(["second", "third"]);
  expect(log.filter((name) => name.startsWith("greedy")).length).toBeLessThanOrEqual(3);
});

test("Gate bounds what is no command's by its places alone", () => {
  const gate = new Gate(4, 2);
  const none = { start: () => undefined, cancel: () => undefined };
  expect([1, 2, 3, 4, 5].map(() => gate.enter())).toEqual([true, true, true, true, false]);
  expect([gate.wait(none), gate.wait({ ...none }), gate.wait({ ...none })]).toEqual([true, true, false]);
});

test("Gate lets those in line step out, and sends the rest away when it closes", () => {
  const gate = new Gate(1, 2);
  const log: string[] = [];
  const [a, b] = ["a", "b"].map((name) => ({
    start: () => void log.push(`${name} started`),
    cancel: () => void log.push(`${name} cancelled`),
  }));
  gate.enter();
  if (a === undefined || b === undefined) throw new Error("unreachable");
  gate.wait(a);
  gate.wait(b);
  gate.forget(a);
  gate.close();
  gate.leave();
  expect(log).toEqual(["b cancelled"]);
  expect(gate.enter()).toBe(true);
});
