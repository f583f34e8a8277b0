import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addressKind,
  canonicalAddress,
  hostRange,
  isListed,
  meansPrivate,
  rangeMatcher,
  rangeProblem,
} from "../../src/policy/addresses.ts";

describe("addressKind()", () => {
  test.each(["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])("%s is public", (address) => {
    expect(addressKind(address)).toBe("public");
  });

  test.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
  ])("%s is not", (address) => {
    expect(addressKind(address)).not.toBe("public");
  });

  test.each([
    "",
    "localhost",
    "127.1",
    "0177.0.0.1",
    "2130706433",
    "0x7f.1",
    "1.2.3",
    "fe80::1%eth0",
    "1.1.1.1 ",
    "[::1]",
  ])("%j is no address", (text) => {
    expect(addressKind(text)).toBe("malformed");
  });

  test("an IPv4 address in IPv6 clothes is never public", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(addressKind(`::ffff:${address}`)).not.toBe("public");
        expect(addressKind(`::${address}`)).not.toBe("public");
        expect(addressKind(`64:ff9b::${address}`)).not.toBe("public");
      }),
    );
  });
});

describe("isListed()", () => {
  test("compares addresses and ranges of one family, whatever the spelling", () => {
    expect(isListed("127.0.0.1", ["127.0.0.0/8"])).toBe(true);
    expect(isListed("127.0.0.1", ["127.0.0.1"])).toBe(true);
    expect(isListed("127.0.0.2", ["127.0.0.1"])).toBe(false);
    expect(isListed("::1", ["0:0:0:0:0:0:0:1"])).toBe(true);
    expect(isListed("fd00::5", ["fd00::/8"])).toBe(true);
    expect(isListed("::ffff:127.0.0.1", ["127.0.0.0/8"])).toBe(false);
    expect(isListed("127.0.0.1", ["::ffff:0:0/96", "::/0"])).toBe(false);
    expect(isListed("nonsense", ["0.0.0.0/0"])).toBe(false);
  });
});

describe("rangeMatcher()", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", false],
    ["10.0.0.0/8", "10.evil.test", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:db8::1", "2001:0DB8:0:0::1", true],
    ["0.0.0.0/0", "::1", false],
  ])("%s and %s: %s", (range, text, matches) => {
    expect(rangeMatcher(range)(text)).toBe(matches);
  });
});

describe("hostRange()", () => {
  test.each([
    ["a.test", undefined],
    ["**", undefined],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["192.0.2.1", "192.0.2.1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["2001:db8::/32", "2001:db8::/32"],
  ])("%s", (host, range) => {
    expect(hostRange(host)).toBe(range);
  });
});

describe("meansPrivate()", () => {
  test.each(["10.0.0.0/8", "10.1.2.0/24", "169.254.169.254", "127.0.0.0/8", "1.1.1.1", "fd00::/8", "2001:db8::/32"])(
    "%s",
    (range) => expect(meansPrivate(range)).toBe(true),
  );

  test.each(["0.0.0.0/0", "8.0.0.0/7", "128.0.0.0/1", "172.0.0.0/8", "::/0", "2000::/3", "8.8.8.0/24"])(
    "not %s, which holds public addresses",
    (range) => expect(meansPrivate(range)).toBe(false),
  );

  test("no range that holds a public address means private ones", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 31 }), (address, bits) => {
        fc.pre(addressKind(address) === "public");
        const first = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
        const start = Math.floor(first / 2 ** (32 - bits)) * 2 ** (32 - bits);
        const text = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join(".");
        expect(meansPrivate(`${text}/${bits}`)).toBe(false);
      }),
    );
  });
});

describe("rangeProblem()", () => {
  test.each(["10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0", "2001:db8::/32", "::/0"])("%s is sound", (range) => {
    expect(rangeProblem(range)).toBeUndefined();
  });

  test.each([
    ["10.1.0.0/8", "write 10.0.0.0/8"],
    ["2001:db8::1/32", "write 2001:db8::/32"],
    ["10.0.0.0/33", "expected a range"],
    ["10.0/8", "expected a range"],
    ["010.0.0.0/8", "expected a range"],
    ["::ffff:0:0/96", "written as such"],
    ["::ffff:10.0.0.0/104", "written as such"],
  ])("%s: %s", (range, problem) => {
    expect(rangeProblem(range)).toContain(problem);
  });
});

test("canonicalAddress() gives one form, and leaves names alone", () => {
  expect(canonicalAddress("2001:DB8:0:0:0::1")).toBe("2001:db8::1");
  expect(canonicalAddress("192.0.2.1")).toBe("192.0.2.1");
  expect(canonicalAddress("a.test")).toBe("a.test");
});
