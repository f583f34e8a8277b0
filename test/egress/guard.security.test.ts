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
});
