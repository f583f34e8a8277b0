import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_ARGUMENT_LENGTH, MAX_ARGUMENTS, MAX_ARGV_LENGTH, redactArgv, redactText } from "../../src/audit/redact.ts";

const secrets = [
  { name: "TOKEN", values: ["s3cret", "placeholder-1"] },
  { name: "KEY", values: [Buffer.of(0xff, 0xfe, 0x01), ""] },
];

describe("redactText()", () => {
  test("replaces every value of a secret, inside longer texts too", () => {
    expect(redactText("a=s3cret&b=placeholder-1&s3cret", secrets)).toBe(
      "a=[redacted:TOKEN]&b=[redacted:TOKEN]&[redacted:TOKEN]",
    );
    expect(redactText("S3CRET", secrets)).toBe("S3CRET");
  });

  test("finds secrets that are no text", () => {
    expect(redactText(Buffer.of(0x61, 0xff, 0xfe, 0x01, 0x62), secrets)).toBe("a[redacted:KEY]b");
  });

  test("leaves nothing of secrets that overlap, repeat or contain each other", () => {
    const overlapping = [
      { name: "A", values: ["abcd"] },
      { name: "B", values: ["cdef"] },
      { name: "C", values: ["cd"] },
    ];
    expect(redactText("-abcdef-cd-", overlapping)).toBe("-[redacted:A,B,C]-[redacted:C]-");
    expect(redactText("aaaaa", [{ name: "A", values: ["aa"] }])).toBe("[redacted:A]");
  });

  test("leaves texts without a secret as they are", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => redactText(text, []) === text));
    expect(redactText("\ud800", secrets)).toBe("\ud800");
    expect(redactText(Buffer.of(0x61, 0x80))).toBe("a\ufffd");
  });

  test("leaves no occurrence of any secret", () => {
    const letters = fc.string({ unit: fc.constantFrom("x", "y", "z"), maxLength: 30 });
    const value = fc.string({ unit: fc.constantFrom("x", "y", "z"), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(letters, fc.array(value, { maxLength: 4 }), (text, values) => {
        const redacted = redactText(text, [{ name: "S", values }]);
        for (const each of values) expect(redacted).not.toContain(each);
      }),
    );
  });
});

describe("redactArgv()", () => {
  test("redacts before it cuts", () => {
    const head = "x".repeat(MAX_ARGUMENT_LENGTH - 3);
    const [argument] = redactArgv([`${head}s3cret${"y".repeat(10)}`], secrets);
    expect(argument).toBe(`${head}[re[cut: 23 characters]`);
  });

  test("bounds the number and the length of arguments, and marks each cut", () => {
    const many = redactArgv(Array.from({ length: 300 }, (_, index) => `${index}`));
    expect(many).toHaveLength(MAX_ARGUMENTS + 1);
    expect(many.at(-1)).toBe("[cut: 44 arguments]");
    const long = redactArgv(Array.from({ length: 30 }, () => "x".repeat(5000)));
    expect(long[0]).toBe(`${"x".repeat(4096)}[cut: 904 characters]`);
    expect(long.at(-1)).toBe("[cut: 15 arguments]");
    expect(long.join("").length).toBeLessThanOrEqual(MAX_ARGV_LENGTH + 30);
    expect(redactArgv(Array.from({ length: 256 }, () => "a"))).toHaveLength(256);
  });
});
