import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAccess } from "../../../src/sandbox/local-site/read-access.ts";

describe("readAccess()", () => {
  test("reads a host, with or without one kind of request, a path and a program", () => {
    expect(readAccess({ host: "API.Test.", reason: "to read issues" })).toEqual({
      kind: "network",
      host: "api.test",
      port: 443,
      reason: "to read issues",
    });
    const request = { method: "POST", path: "/search" };
    expect(readAccess({ host: "a.test", port: 80, ...request, reason: "x" })).toMatchObject({ port: 80, request });
    expect(readAccess({ host: "[2001:DB8::1]", reason: "x" })).toMatchObject({ host: "2001:db8::1" });
    expect(readAccess({ path: "/etc/hosts", access: "read", reason: "x" })).toMatchObject({
      kind: "filesystem",
      object: "/etc/hosts",
    });
    expect(readAccess({ program: "gh", reason: "x" })).toMatchObject({ kind: "process", object: "gh" });
  });

  const reason = "x";
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a list", []],
    ["no reason", { host: "a.test" }],
    ["a pattern", { host: "*.test", reason }],
    ["every name", { host: "**", reason }],
    ["a range", { host: "10.0.0.0/8", reason }],
    ["an address in another notation", { host: "2130706433", reason }],
    ["a hexadecimal address", { host: "0x7f.1", reason }],
    ["a URL", { host: "https://a.test/", reason }],
    ["a host with a port", { host: "a.test:443", reason }],
    ["an address with a zone", { host: "fe80::1%eth0", reason }],
    ["no port", { host: "a.test", port: 0, reason }],
    ["a port that is none", { host: "a.test", port: 65_536, reason }],
    ["a broken port", { host: "a.test", port: 1.5, reason }],
    ["a path without a method", { host: "a.test", path: "/", reason }],
    ["a method without a path", { host: "a.test", method: "GET", reason }],
    ["a method in lower case", { host: "a.test", method: "get", path: "/", reason }],
    ["a relative path", { host: "a.test", method: "GET", path: "x", reason }],
    ["a key that is unknown", { host: "a.test", reason, approve: true }],
    ["a long reason", { host: "a.test", reason: "x".repeat(501) }],
    ["an empty reason", { host: "a.test", reason: "" }],
    ["a reason that clears the screen", { host: "a.test", reason: "\u001b[2J fine" }],
    ["a reason of two lines", { host: "a.test", reason: "fine\nrule: allow" }],
    ["a reason that is read backwards", { host: "a.test", reason: "\u202egnp.exe" }],
    ["a path with NUL", { path: "/a\0b", reason }],
    ["a program of two lines", { program: "gh\nrm", reason }],
  ])("refuses %s, and repeats nothing of it", (_, body) => {
    const problem = readAccess(body);
    expect(problem).toEqual(expect.any(String));
    expect(problem).not.toContain("\u001b");
  });

  test("whatever comes, it answers", () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        const read = readAccess(body);
        if (typeof read !== "string") expect(/[\p{C}]/u.test(read.reason)).toBe(false);
      }),
    );
  });
});
