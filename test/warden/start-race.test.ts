/**
 * Judging and verifying starts as a whole, under a small supervisor: what agents start, and what they race.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder } from "../faults/support.ts";
import { buildDriver, buildPrograms, buildRacer, directory, folder, loader, put, racer } from "./start-support.ts";

const ROUNDS = process.env.COFFERDAM_TEST_START_ROUNDS ?? "300";

beforeAll(() => {
  buildDriver();
  buildRacer();
  buildPrograms();
}, 120_000);

afterAll(() => removeFolder(directory));

type Way = "verify" | "continue" | "free";

/** Runs agents of one kind, and returns what they print. The supervisor must end well, and leak nothing. */
function run(way: Way, scenario: string, rounds: string = ROUNDS): string[] {
  copyFileSync(join(folder, "allowed"), join(folder, "writable/hashed"));
  const ended = spawnSync(racer, [way, scenario, folder, rounds], { encoding: "utf8", timeout: 110_000 });
  expect(ended.stderr).toBe("");
  expect(ended.status).toBe(0);
  return ended.stdout.trimEnd().split("\n");
}

function counts(lines: string[]): Record<string, number> {
  const pairs = [...lines.join(" ").matchAll(/([a-z]+) (\d+)/g)];
  return Object.fromEntries(pairs.map(([, name, count]) => [name, Number(count)]));
}

describe("start_judge and start_stopped", { timeout: 120_000 }, () => {
  test("let run what is allowed and nothing else", () => {
    const rounds = Number(ROUNDS);
    const seen = counts(run("verify", "plain"));
    expect(seen).toMatchObject({ allowed: rounds, denied: 0, killed: 0, others: 0, mismatches: 0, stops: rounds });
  });

  const raced = ["path", "argument", "environment", "link", "content"];
  test.each(raced)("lose no race about the %s, which a continued call loses", (scenario) => {
    if (scenario === "link") symlinkSync("allowed", join(folder, "link"));
    const control = counts(run("continue", scenario));
    expect(control.denied).toBeGreaterThan(0);
    const seen = counts(run("verify", scenario));
    expect(seen.denied).toBe(0);
    expect(seen.allowed).toBeGreaterThan(0);
    expect(seen.killed).toBe(seen.mismatches);
    expect(seen.others).toBe(0);
  });

  test.each(["thread", "threads", "failures", "signals"])("hold for starts with %s", (scenario) => {
    const seen = counts(run("verify", scenario));
    expect(seen).toMatchObject({ allowed: Number(ROUNDS), denied: 0, killed: 0, others: 0, mismatches: 0 });
  });

  test("take a process that is killed meanwhile for no other program", () => {
    expect(counts(run("verify", "kills"))).toMatchObject({ killed: Number(ROUNDS), others: 0, mismatches: 0 });
  });

  test("agree with the kernel on scripts of every kind", () => {
    const words = ["./print", "print", "/bin/true", " ", "\t", "\n", "\0", "-x", "#", "./n0", "x".repeat(120)];
    const names: string[] = [];
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    for (let index = 0; index < 80; index++) {
      const line = Array.from({ length: 1 + random(6) }, () => words[random(words.length)]).join("");
      put(`s${index}`, `#!${index % 2 ? " ./print" : ""}${line}`);
      names.push(`s${index}`);
    }
    for (let level = 0; level < 7; level++) {
      put(`n${level}`, `#!./${level ? `n${level - 1}` : "print"} -${level}\n`);
      names.push(`n${level}`, `./n${level}`);
    }
    put("script", "#!./print\n");
    writeFileSync(join(folder, "list"), `${names.join("\n")}\n`);
    const listed = (way: Way): string[] => run(way, "everything", "1").slice(0, names.length);
    const expected = listed("free");
    expect(listed("verify")).toEqual(expected);
    expect(expected).toContain("n4: [./print][-0][./n0][-1][./n1][-2][./n2][-3][./n3][-4][n4][one]");
    expect(expected).toContain("n5: ELOOP");
    expect(new Set(expected.map((line) => line.replace(/^.*?: /, ""))).size).toBeGreaterThan(20);
  });

  test("answer every kind of call as the kernel would, and refuse what they must", () => {
    put("script", "#!./print\n");
    put("by-denied", "#!./denied\n");
    put("by-loader", "#!./loader\n");
    put("by-missing", "#!./missing\n");
    put("by-folder", "#!.\n");
    put("hidden", readFileSync(join(folder, "allowed")));
    put("unmatched", "#!./print\n");
    put("gone", readFileSync(join(folder, "allowed")));
    put("copy", readFileSync(loader()));
    put("plain", "no x bit\n");
    chmodSync(join(folder, "plain"), 0o644);
    for (const [name, target] of [
      ["loader", loader()],
      ["link", "allowed"],
    ] as const)
      if (!existsSync(join(folder, name))) symlinkSync(target, join(folder, name));
    const names = ["by-denied", "by-loader", "by-missing", "by-folder", "hidden", "unmatched", "plain", "missing", "."];
    writeFileSync(join(folder, "list"), `${names.join("\n")}\n`);
    const said = run("verify", "everything", "1");
    // Descriptors have whatever numbers are free.
    expect(said.slice(0, -1).map((line) => line.replace(/fd\/\d+/, "fd/N"))).toEqual([
      "by-denied: EACCES",
      "by-loader: EACCES",
      "by-missing: ENOENT",
      "by-folder: EACCES",
      "hidden: EACCES",
      "unmatched: [./print][unmatched][one]",
      "plain: EACCES",
      "missing: ENOENT",
      ".: EACCES",
      "no arguments: []",
      "script without arguments: [./print][script]",
      "from a directory: [./print][/dev/fd/N/script][one]",
      "by descriptor: [./print][/dev/fd/N][one]",
      "program by descriptor: ran",
      "empty path: ENOENT",
      "link not followed: ELOOP",
      "unknown flag: EINVAL",
      "loader: EACCES",
      "loader's copy: EACCES",
      "in memory: EACCES",
      "unlinked: EACCES",
      "bad address: EFAULT",
      "too many: E2BIG",
      "too long: E2BIG",
    ]);
    expect(said.at(-1)).toContain("mismatches 0");
    expect(readdirSync(folder)).not.toContain("gone");
  });
});
