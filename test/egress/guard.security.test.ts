import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressKind, isListed, resolveChecked } from "../../src/egress/guard.ts";

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

describe("resolveChecked()", () => {
  test("keeps public and listed addresses in their order, and says what it refused", async () => {
    const resolver = () => ["10.0.0.1", "1.1.1.1", "127.0.0.1", "2606:4700::1111", "what"];
    expect(await resolveChecked("a.test", ["127.0.0.1"], resolver)).toEqual({
      addresses: ["1.1.1.1", "127.0.0.1", "2606:4700::1111"],
      refused: [
        { address: "10.0.0.1", kind: "private" },
        { address: "what", kind: "malformed" },
      ],
    });
  });

  test("does not resolve an address", async () => {
    const resolver = () => expect.fail("it was asked");
    expect((await resolveChecked("1.1.1.1", [], resolver)).addresses).toEqual(["1.1.1.1"]);
    expect((await resolveChecked("10.0.0.1", [], resolver)).addresses).toEqual([]);
    expect((await resolveChecked("10.0.0.1", ["10.0.0.1"], resolver)).addresses).toEqual(["10.0.0.1"]);
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
