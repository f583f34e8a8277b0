import { describe, expect, test } from "vitest";
import { resolveChecked } from "../../src/egress/guard.ts";

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

  test("keeps this machine's own addresses for itself, however public they are", async () => {
    const own = new Set(["1.1.1.1", "2606:4700::1111"]);
    const resolver = () => ["1.1.1.1", "2606:4700:0::1111", "1.0.0.1"];
    const { addresses, refused } = await resolveChecked("a.test", [], resolver, own);
    expect([addresses, refused.map(({ kind }) => kind)]).toEqual([
      ["1.0.0.1"],
      ["this machine's own", "this machine's own"],
    ]);
    expect((await resolveChecked("1.1.1.1", ["1.1.1.1"], resolver, own)).addresses).toEqual(["1.1.1.1"]);
  });

  test("takes no metadata service for public", async () => {
    for (const address of ["168.63.129.16", "169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"]) {
      expect([address, (await resolveChecked(address, [], () => [])).addresses]).toEqual([address, []]);
    }
  });
});
