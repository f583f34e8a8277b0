import { execFileSync } from "node:child_process";
import { constants, platform } from "node:os";
import { describe, expect, test } from "vitest";
import { errnoName } from "../../src/link/errno.ts";
import { signalName, signalNumber } from "../../src/link/signals.ts";

describe("errnoName()", () => {
  test.each([
    [1, "EPERM"],
    [2, "ENOENT"],
    [13, "EACCES"],
    [30, "EROFS"],
    [40, "ELOOP"],
    [41, "errno 41"],
    [42, "ENOMSG"],
    [58, "errno 58"],
    [61, "ENODATA"],
    [95, "EOPNOTSUPP"],
    [110, "ETIMEDOUT"],
    [122, "EDQUOT"],
    [133, "EHWPOISON"],
    [134, "errno 134"],
    [0, "errno 0"],
    [4_294_967_295, "errno 4294967295"],
  ])("%d is %s", (number, name) => {
    expect(errnoName(number)).toBe(name);
  });

  test.runIf(platform() === "linux")("agrees with this machine, where it is Linux", () => {
    const aliases = new Set(["EWOULDBLOCK", "EDEADLOCK", "ENOTSUP"]);
    for (const [name, number] of Object.entries(constants.errno)) {
      if (!aliases.has(name)) expect(errnoName(number), name).toBe(name);
    }
  });
});

describe("signalNumber()", () => {
  test.runIf(platform() === "linux")("agrees with this machine's shell, where it is Linux", () => {
    const names = execFileSync("/bin/bash", ["-c", "kill -l $(seq 1 31)"]).toString().trim().split("\n");
    names.forEach((name, index) => {
      expect(signalNumber(`SIG${name}`)).toBe(index + 1);
      expect(signalName(index + 1)).toBe(`SIG${name}`);
    });
  });

  test.each(["SIGNOTHING", "TERM", "sigterm", "", "constructor"])("refuses %j", (name) => {
    expect(() => signalNumber(name)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });
});
