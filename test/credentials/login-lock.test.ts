/**
 * The lock of a login's file: one holder at a time, also where the one before never gave it back.
 */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "../../src/credentials/login/login-lock.ts";
import { loginFile } from "./login-support.ts";

const never = new AbortController().signal;

/** A lock that somebody took so many seconds ago, and still has. */
function heldSince(path: string, seconds: number): string {
  const lock = `${path}.cofferdam-lock`;
  mkdirSync(lock);
  writeFileSync(join(lock, "somebody"), "");
  const then = Date.now() / 1000 - seconds;
  utimesSync(join(lock, "somebody"), then, then);
  utimesSync(lock, then, then);
  return lock;
}

test("what was left behind is taken over by one of all who find it, and then by the next", async () => {
  const path = loginFile("auth.json", {});
  heldSince(path, 120);
  let holders = 0;
  const most: number[] = [];
  const hold = () =>
    withLock("codex", path, never, async () => {
      most.push(++holders);
      // Long enough for all others to look at it.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      holders--;
    });
  await Promise.all(Array.from({ length: 6 }, hold));
  expect(most).toEqual([1, 1, 1, 1, 1, 1]);
  expect(readdirSync(dirname(path))).toEqual([basename(path)]);
});

test("who has it keeps it from others until they give up", async () => {
  const path = loginFile("auth.json", {});
  const lock = heldSince(path, 5);
  const act = async () => expect.unreachable("nobody may have it");
  await expect(withLock("codex", path, AbortSignal.abort(), act)).rejects.toMatchObject({
    code: "CREDENTIAL_UNAVAILABLE",
    details: { reason: "another process has held its file for too long" },
  });
  expect([readdirSync(lock), readdirSync(dirname(path)).sort()]).toEqual([
    ["somebody"],
    [basename(path), basename(lock)],
  ]);
});
