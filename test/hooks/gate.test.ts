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
