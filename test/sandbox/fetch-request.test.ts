import { expect, test } from "vitest";
import { readRequest } from "../../src/sandbox/ports/fetch-request.ts";

test.each([
  ["text", "text/plain;charset=UTF-8"],
  [new URLSearchParams("a=b"), "application/x-www-form-urlencoded;charset=UTF-8"],
  [new Blob(["x"], { type: "image/png" }), "image/png"],
  [new Uint8Array(2), undefined],
])("a body says what it is: %o", async (body, type) => {
  const { headers } = await readRequest(80, "/", { method: "POST", body });
  expect(headers["content-type"]).toBe(type);
});

test("a caller's word for it holds", async () => {
  const init = { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } };
  expect((await readRequest(80, "/", init)).headers["content-type"]).toBe("application/json");
});
