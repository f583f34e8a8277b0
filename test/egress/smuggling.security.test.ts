import { describe, expect, test } from "vitest";
import { exchangeRaw, Scene } from "./support.ts";

/** A host that answers whatever its parser takes for a request, before it has read the body. */
const hasty = async (scene: Scene) => {
  const requests: string[] = [];
  const port = await scene.server((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end("done");
  });
  return { port, requests };
};

const H = "Host: api.test\r\n";

describe("a length among more headers than the platform's parser hands on", () => {
  test.each([1010, 1030])("never reaches a host without its body: after %i", async (before) => {
    await using scene = new Scene();
    const { port, requests } = await hasty(scene);
    const hidden = `DELETE /admin HTTP/1.0\r\nA: b`;
    const next = `GET /next HTTP/1.1\r\n${H}X: ${hidden}\r\n\r\n`;
    const taken = next.indexOf("DELETE");
    const headers = `${"a:\r\n".repeat(before)}Content-Length: ${taken}\r\n${"b:\r\n".repeat(100)}`;
    const first = scene.connect("api.test", 80, port);
    await exchangeRaw(first, `GET /first HTTP/1.1\r\n${H}${headers}\r\n${"x".repeat(taken)}`, "\r\n\r\n");
    await exchangeRaw(scene.connect("api.test", 80, port), next, "done");
    expect(requests).toEqual(["GET /next"]);
    // Who refuses depends on the version of Node: its parser, or what counts what it hands on.
    expect(scene.refusals.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^(the request is malformed: it has more than 256 headers|its headers are too many or )/),
    ]);
  });
});
