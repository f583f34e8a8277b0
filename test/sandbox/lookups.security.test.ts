import { expect, test } from "vitest";
import { Lookups } from "../../src/sandbox/lookups.ts";

/** A resolver whose answers the test gives. */
function held() {
  const asked: string[] = [];
  const answers = new Map<string, (addresses: readonly string[]) => void>();
  const resolver = (host: string) => {
    asked.push(host);
    return new Promise<readonly string[]>((resolve) => answers.set(host, resolve));
  };
  return { asked, answer: (host: string) => answers.get(host)?.(["192.0.2.1"]), lookups: new Lookups(resolver) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const patient = () => new AbortController().signal;

test("names are looked up a few at a time, in order", async () => {
  const { asked, answer, lookups } = held();
  const found = Array.from({ length: 1000 }, (_, index) => lookups.find(`${index}.test`, patient()));
  await settle();
  expect(asked).toHaveLength(16);
  answer("3.test");
  expect(await found[3]).toEqual(["192.0.2.1"]);
  await settle();
  expect(asked.at(-1)).toBe("16.test");
});

test("who asks for the same name waits for the same answer", async () => {
  const { asked, answer, lookups } = held();
  const found = Array.from({ length: 100 }, () => lookups.find("a.test", patient()));
  await settle();
  answer("a.test");
  expect(await Promise.all(found)).toHaveLength(100);
  expect(asked).toEqual(["a.test"]);
  const again = lookups.find("a.test", patient());
  await settle();
  answer("a.test");
  expect([await again, asked]).toEqual([["192.0.2.1"], ["a.test", "a.test"]]);
});

test("what nobody waits for any more is not looked up", async () => {
  const { asked, answer, lookups } = held();
  const gone = new AbortController();
  for (let index = 0; index < 16; index++) void lookups.find(`${index}.test`, patient());
  const given = lookups.find("given-up.test", gone.signal).catch((error: Error) => error.message);
  const next = lookups.find("next.test", patient());
  await settle();
  gone.abort(new Error("the program is gone"));
  expect(await given).toBe("the program is gone");
  const other = lookups.find("given-up.test", patient());
  for (const host of ["0.test", "1.test"]) answer(host);
  await settle();
  expect(asked.slice(16)).toEqual(["next.test", "given-up.test"]);
  for (const host of asked.slice(16)) answer(host);
  expect(await Promise.all([next, other])).toHaveLength(2);
});

test("one that begins a lookup and goes leaves it to those who stay", async () => {
  const { asked, answer, lookups } = held();
  const gone = new AbortController();
  const first = lookups.find("a.test", gone.signal).catch(() => "gone");
  const second = lookups.find("a.test", patient());
  await settle();
  gone.abort();
  expect(await first).toBe("gone");
  answer("a.test");
  expect([await second, asked]).toEqual([["192.0.2.1"], ["a.test"]]);
});

test("what fails frees its place", async () => {
  const lookups = new Lookups((host) => {
    throw new Error(`no ${host}`);
  });
  const found = Array.from({ length: 40 }, (_, index) => lookups.find(`${index}.test`, patient()));
  expect((await Promise.allSettled(found)).every(({ status }) => status === "rejected")).toBe(true);
});
