/**
 * What one command may have of the warden at a time: lines before workers, and content that there is no room for.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder, scratchFolder } from "../faults/support.ts";

const native = fileURLToPath(new URL("../../src/warden/native/", import.meta.url));
const source = fileURLToPath(new URL("./native/drive_bounds.c", import.meta.url));
const directory = scratchFolder("bounds");
const program = join(directory, "drive_bounds");

beforeAll(() => {
  const sources = ["lanes", "answers", "bytes", "die"].map((name) => join(native, `${name}.c`));
  const flags = ["-std=c17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-I", native];
  const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
  execFileSync("cc", [...flags, ...sanitizers, "-o", program, source, ...sources], { stdio: "pipe" });
}, 60_000);

afterAll(() => removeFolder(directory));

/** What the lines are answered with. Nothing may be left in memory, nor a sanitizer complain. */
function drive(...lines: readonly string[]): string[] {
  const input = `${lines.join("\n")}\n`;
  return execFileSync(program, { input, encoding: "utf8", stdio: "pipe" }).trimEnd().split("\n");
}

describe("lanes", () => {
  const four = [1, 2, 3, 4].map((number) => `put ${number} 7 1`);

  test("keep the order of one command, and let it have so many workers", () => {
    const answers = drive("lanes 2 100", ...four, "take", "take", "take", "done 7", "take", "done 7", "done 7", "take");
    expect(answers).toEqual(["put", "put", "put", "put", "1", "2", "none", "3", "4"]);
  });

  test("let commands take turns, however much one of them has waiting", () => {
    const answers = drive(
      "lanes 9 100",
      ...four,
      "put 50 8 1",
      "put 60 9 1",
      "put 51 8 1",
      ...new Array(8).fill("take"),
    );
    expect(answers.slice(7)).toEqual(["1", "50", "60", "2", "51", "3", "4", "none"]);
  });

  test("are full for one command, by weight, and not for another", () => {
    const answers = drive(
      "lanes 1 10",
      "put 1 7 8",
      "put 2 7 3",
      "put 3 7 2",
      "put 4 8 999",
      "put 5 8 1",
      "take",
      "take",
    );
    expect(answers).toEqual(["put", "full", "put", "put", "full", "1", "4"]);
  });

  test("are sifted a few at a time, until all have been looked at", () => {
    const fill = ["lanes 1 100", ...four, "put 50 8 1", "put 51 8 1"];
    const [sifted, emptied] = [
      ["over 8", "sift 3", "sift 3", "sift 3"],
      ["take", "take", "done 7", "take"],
    ];
    expect(drive(...fill, ...sifted, ...emptied).slice(6)).toEqual(["0", "2", "0", "1", "none", "2"]);
    const all = ["over 7", "sift 3", "sift 3", "sift 3", "over 8", "sift 9", "sift 9", "empty"];
    expect(drive(...fill, ...all).slice(6)).toEqual(["3", "0", "1", "2", "0", "yes"]);
  });

  test("hold in any order: who waited comes once, in order, and nobody has more than may be", () => {
    const step = fc.oneof(
      fc.nat({ max: 3 }).map((stream) => ({ put: stream })),
      fc.constant({ take: true as const }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const lines = steps.map((each, index) => ("put" in each ? `put ${index} ${each.put} 0` : "take"));
        const answers = drive("lanes 2 1", ...lines);
        const waiting = new Map<number, number[]>();
        const busy = new Map<number, number>();
        for (const [index, each] of steps.entries()) {
          if ("put" in each) {
            waiting.set(each.put, [...(waiting.get(each.put) ?? []), index]);
            continue;
          }
          const free = [...waiting].filter(([stream, line]) => line.length > 0 && (busy.get(stream) ?? 0) < 2);
          if (free.length === 0) {
            expect(answers[index]).toBe("none");
            continue;
          }
          const [stream = -1, line = []] = free.find(([, [first]]) => String(first) === answers[index]) ?? [];
          expect(stream).toBeGreaterThanOrEqual(0);
          line.shift();
          busy.set(stream, (busy.get(stream) ?? 0) + 1);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("answers_take()", () => {
  test("denies where there is no room for what is to be read instead, and goes on", () => {
    const ways = ["enough", "descriptors", "room", "enough"];
    expect(drive(...ways.map((way) => `answer ${way}`))).toEqual([
      "7 allowed [secret]",
      "7 denied nothing []",
      "7 denied nothing []",
      "7 allowed [secret]",
    ]);
  });
});
