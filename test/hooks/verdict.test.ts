import { describe, expect, test } from "vitest";
import { allow, ask, deny, substitute } from "../../src/hooks/mod.ts";
import { readVerdict } from "../../src/hooks/verdict.ts";
import { failure } from "./support.ts";

describe("readVerdict()", () => {
  test.each([
    [allow(), "allow"],
    [allow("why"), "allow"],
    [ask(), "ask"],
    [deny("no"), "deny"],
    [deny(undefined as never), "deny"],
    [{ verdict: "deny", reason: 7 }, "deny"],
    [substitute("text"), "substitute"],
    [substitute(Buffer.from("bytes"), "why"), "substitute"],
  ])("%o is %s", (value, verdict) => {
    expect(readVerdict(value)?.verdict).toBe(verdict);
  });

  test.each([
    [null],
    [true],
    [false],
    ["allow"],
    [0],
    [[]],
    [{}],
    [{ verdict: "allowed" }],
    [{ verdict: "allow", reason: 7 }],
    [{ verdict: "substitute" }],
    [{ verdict: "substitute", content: "text" }],
    [{ allow: true }],
    [() => allow()],
  ])("%o is none", (value) => {
    expect(readVerdict(value)).toBeUndefined();
  });

  test("a verdict that throws when it is looked at is none", () => {
    const trap = Object.defineProperty({}, "verdict", {
      get: () => {
        throw new Error("gotcha");
      },
    });
    expect(readVerdict(trap)).toBeUndefined();
  });

  test("bounds reasons", () => {
    expect(readVerdict(deny("x".repeat(1e6)))?.reason).toHaveLength(1025);
  });
});

describe("substitute()", () => {
  test("takes text as UTF-8, and bytes as they are", () => {
    expect(substitute("ä")).toEqual({ verdict: "substitute", content: new Uint8Array([0xc3, 0xa4]) });
    const bytes = new Uint8Array([0, 255]);
    expect(substitute(bytes)).toEqual({ verdict: "substitute", content: bytes });
  });

  test("refuses anything else", async () => {
    expect((await failure("ARGUMENT_INVALID", () => substitute({} as never))).details.argument).toBe("content");
  });
});
