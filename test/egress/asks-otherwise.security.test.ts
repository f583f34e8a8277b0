import { describe, expect, test } from "vitest";
import { exchangeRaw, Scene } from "./support.ts";

const H = "Host: api.test\r\n";

describe("a request that asks a server to take it for another", () => {
  test.each([
    ["two methods", "X-HTTP-Method-Override: PUT\r\nX-HTTP-Method: DELETE\r\n"],
    ["a list of methods", "X-HTTP-Method-Override: PUT, DELETE\r\n"],
    ["another path", "X-Original-URL: /admin\r\n"],
    ["another path, as a variable", "X_Rewrite_Url: /admin\r\n"],
    ["a body of no type", "Connection: close, content-type\r\nContent-Type: application/json\r\n"],
  ])("is refused: %s", async (_, headers) => {
    await using scene = new Scene();
    const port = await scene.server((_request, response) => response.end("reached"));
    const bytes = `POST /public HTTP/1.1\r\n${H}${headers}Content-Length: 0\r\n\r\n`;
    const text = await exchangeRaw(scene.connect("api.test", 80, port), bytes, "\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect([scene.dials, scene.questions, scene.refusals.length]).toEqual([0, [], 1]);
  });

  test("is judged by the method of a header with underscores, too", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => response.end("reached"));
    const bytes = `POST / HTTP/1.1\r\n${H}X_HTTP_Method_Override: delete\r\nContent-Length: 0\r\n\r\n`;
    await exchangeRaw(scene.connect("api.test", 80, port), bytes, "reached");
    expect(scene.questions.map(({ facts }) => facts.override)).toEqual(["DELETE"]);
  });
});

test("a GET with a body does not pass a hook that saw it without", async () => {
  await using scene = new Scene();
  const port = await scene.server((_, response) => response.end("reached"));
  scene.decide = ({ make, facts }) => {
    return { allowed: true, reason: "", ...(make === undefined ? {} : { request: { request: make(), facts } }) };
  };
  const bytes = `GET / HTTP/1.1\r\n${H}Content-Length: 6\r\n\r\nsecret`;
  const text = await exchangeRaw(scene.connect("api.test", 80, port), bytes, "\r\n\r\n");
  expect(text).toMatch(/^HTTP\/1\.1 403 /);
  expect([scene.dials, scene.refusals.length]).toEqual([0, 1]);
});
