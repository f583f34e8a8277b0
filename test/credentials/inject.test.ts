import { describe, expect, test } from "vitest";
import { findIn, inject } from "../../src/credentials/inject.ts";

const PLACES = { headers: ["authorization", "x-key"], query: ["key"], basic: true };
const none = { headers: [], query: [], basic: false };
const put = (path: string, headers: [string, string][], places = PLACES) =>
  inject({ path, headers }, "PLACEHOLDER", "va/lue$&", places);

describe("inject()", () => {
  test("puts the value into headers that are meant, whatever is around it", () => {
    const { headers } = put("/", [
      ["Authorization", "Bearer PLACEHOLDER"],
      ["X-KEY", "PLACEHOLDER, PLACEHOLDER"],
      ["X-Other", "PLACEHOLDER"],
    ]);
    expect(headers).toEqual([
      ["Authorization", "Bearer va/lue$&"],
      ["X-KEY", "va/lue$&, va/lue$&"],
      ["X-Other", "PLACEHOLDER"],
    ]);
  });

  test("puts it into user and password of Basic", () => {
    const basic = (login: string) => `Basic ${Buffer.from(login).toString("base64")}`;
    const { headers } = put("/", [["authorization", basic("x-access-token:PLACEHOLDER")]]);
    expect(headers).toEqual([["authorization", basic("x-access-token:va/lue$&")]]);
    expect(put("/", [["authorization", basic("PLACEHOLDER:")]], { ...none, basic: true }).headers).toEqual([
      ["authorization", basic("va/lue$&:")],
    ]);
    const bearer: [string, string][] = [["authorization", "Bearer PLACEHOLDER"]];
    expect(put("/", bearer, { ...none, basic: true }).headers).toEqual(bearer);
  });

  test("puts it into parameters of the query that are meant, encoded", () => {
    expect(put("/a?x=PLACEHOLDER&key=PLACEHOLDER&k%65y=PLACEHOLDER", []).path).toBe(
      "/a?x=PLACEHOLDER&key=va%2Flue%24%26&k%65y=va%2Flue%24%26",
    );
    expect(put("/PLACEHOLDER?key", []).path).toBe("/PLACEHOLDER?key");
  });

  test("leaves a request alone that has none", () => {
    const carrier = { path: "/?key=1", headers: [["Authorization", "Bearer x"]] as const };
    expect(inject(carrier, "PLACEHOLDER", "value", PLACES)).toBe(carrier);
  });
});

describe("findIn()", () => {
  test.each([
    ["/a?b=PLACEHOLDER", [], "the URL"],
    ["/%50LACEHOLDER", [], "the URL"],
    ["/", [["X-A", "PLACEHOLDER"]], "the header x-a"],
    ["/", [["X-PLACEHOLDER", "1"]], "the header x-placeholder"],
    ["/", [["Cookie", "a=%50LACEHOLDER"]], "the header cookie"],
    ["/", [["Authorization", `Basic ${btoa("u:PLACEHOLDER")}`]], "the header authorization"],
  ] as const)("finds it in %s %j", (path, headers, place) => {
    expect(findIn({ path, headers }, "PLACEHOLDER")?.place).toBe(place);
    expect(findIn({ path: "/", headers: [["X-A", "b"]] }, "PLACEHOLDER")).toBeUndefined();
  });
});
