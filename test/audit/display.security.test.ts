import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { displaySafe, escapeControl } from "../../src/audit/display.ts";

const restore = (shown: string): string =>
  shown.replace(/\\(?:u\{([0-9a-f]+)\}|(.))/g, (_, code: string | undefined, short: string) =>
    code === undefined
      ? ({ n: "\n", r: "\r", t: "\t", "\\": "\\" }[short] ?? "?")
      : String.fromCodePoint(Number.parseInt(code, 16)),
  );

describe("displaySafe()", () => {
  test.each([
    ["ANSI sequences", "\u001b[31mred\u001b[0m", "\\u{1b}[31mred\\u{1b}[0m"],
    ["8-bit sequences", "\u009b2J", "\\u{9b}2J"],
    ["a title", "\u001b]0;owned\u0007", "\\u{1b}]0;owned\\u{7}"],
    ["lines", "a\nb\rc\u2028d\u0085e", "a\\nb\\rc\\u{2028}d\\u{85}e"],
    ["backspaces", "rm\b\bls\u007f", "rm\\u{8}\\u{8}ls\\u{7f}"],
    ["reordering", "a\u202etxt.exe\u2066\u200f", "a\\u{202e}txt.exe\\u{2066}\\u{200f}"],
    [
      "what is invisible",
      "a\u200bb\u00adc\u{e0041}d\ufe0fe\u3164",
      "a\\u{200b}b\\u{ad}c\\u{e0041}d\\u{fe0f}e\\u{3164}",
    ],
    ["halves of characters", "a\ud800", "a\\u{d800}"],
    ["its own escapes", "a\\nb", "a\\\\nb"],
  ])("escapes %s", (_, text, shown) => {
    expect(displaySafe(text)).toBe(shown);
  });

  test("leaves ordinary text alone", () => {
    for (const text of ["ls -la ./docs", "Grüße, 世界", "🚢", "مرحبا"]) expect(displaySafe(text)).toBe(text);
  });

  test("leaves nothing unsafe, and loses nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const shown = displaySafe(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(restore(shown)).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("escapeControl()", () => {
  test("escapes what a terminal would obey, and keeps lines, tabs and backslashes", () => {
    expect(escapeControl("a\tb\n\u001b[31m\u202e\u009b\r\\")).toBe("a\tb\n\\u{1b}[31m\\u{202e}\\u{9b}\\u{d}\\");
  });

  test("is what displaySafe() is, line by line, where there is no backslash", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = text.replaceAll(/[\\\r]/g, "");
        const shown = plain.split("\n").map((line) => line.split("\t").map(displaySafe).join("\t"));
        expect(escapeControl(plain)).toBe(shown.join("\n"));
      }),
    );
  });
});
