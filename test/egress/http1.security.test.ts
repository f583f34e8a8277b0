import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { exchangeRaw, fetchOver, SANDBOX, Scene } from "./support.ts";

/** A server that counts what reaches it, and says what it saw. */
const seen = async (scene: Scene, name?: string) => {
  const requests: string[] = [];
  const port = await scene.server((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    response.end("reached");
  }, name);
  return { port, requests };
};

const H = "Host: api.test\r\n";

describe("what is malformed", () => {
  test.each<[string, string, number]>([
    [
      "a length beside a transfer coding",
      `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ["two lengths", `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`, 400],
    ["a length that is a list", `POST / HTTP/1.1\r\n${H}Content-Length: 4, 4\r\n\r\nabcd`, 400],
    ["a length with a sign", `POST / HTTP/1.1\r\n${H}Content-Length: +4\r\n\r\nabcd`, 400],
    ["a coding before chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400],
    ["a coding after chunked", `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 400],
    ["a coding with a vertical tab", `POST / HTTP/1.1\r\n${H}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`, 400],
    ["a space before the colon", `GET / HTTP/1.1\r\n${H}Content-Length : 0\r\n\r\n`, 400],
    ["a bare line feed in the headers", `GET / HTTP/1.1\n${H}\r\n`, 400],
    ["a bare carriage return in a header", `GET / HTTP/1.1\r\n${H}A: b\rC: d\r\n\r\n`, 400],
    ["a NUL in a header", `GET / HTTP/1.1\r\n${H}A: b\0c\r\n\r\n`, 400],
    ["two hosts", `GET / HTTP/1.1\r\n${H}${H}\r\n`, 400],
    ["no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400],
    ["a path with a NUL", `GET /a%00b HTTP/1.1\r\n${H}\r\n`, 400],
    ["a path above the root", `GET /../etc HTTP/1.1\r\n${H}\r\n`, 400],
    ["a path above the root, encoded", `GET /%2e%2e%2fetc HTTP/1.1\r\n${H}\r\n`, 400],
    ["a path that is encoded twice", `GET /%252e%252e/etc HTTP/1.1\r\n${H}\r\n`, 400],
    ["a target of a proxy", `GET http://api.test/ HTTP/1.1\r\n${H}\r\n`, 400],
    ["an odd method", `G-T / HTTP/1.1\r\n${H}\r\n`, 400],
    ["headers without end", `GET / HTTP/1.1\r\n${H}A: ${"x".repeat(40_000)}\r\n\r\n`, 431],
    ["a tunnel", `CONNECT 169.254.169.254:80 HTTP/1.1\r\n${H}\r\n`, 403],
    ["another host", "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421],
    ["another port", "GET / HTTP/1.1\r\nHost: api.test:8080\r\n\r\n", 421],
    ["a host with a user", "GET / HTTP/1.1\r\nHost: api.test@evil.test\r\n\r\n", 421],
    [
      "a change to HTTP/2",
      `GET / HTTP/1.1\r\n${H}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      403,
    ],
    [
      "a change to several protocols",
      `GET / HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n`,
      403,
    ],
  ])("is refused and recorded: %s", async (_, bytes, status) => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const text = await exchangeRaw(scene.connect("api.test", 80, port), bytes, "}\n");
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toContain("X-Cofferdam-Rule: none");
    expect([requests, scene.questions, scene.dials]).toEqual([[], [], 0]);
    expect(scene.refusals).toHaveLength(1);
    expect(text).not.toContain("reached");
  });

  test("is never two requests to the host where the engine saw one", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const body = "GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";
    const bytes = `POST /outer HTTP/1.1\r\n${H}Content-Length: ${body.length}\r\n\r\n${body}`;
    await exchangeRaw(scene.connect("api.test", 80, port), bytes, "reached");
    expect(requests).toEqual(["POST /outer"]);
    expect(scene.questions).toHaveLength(1);
  });

  test("ends the connection after it, so that what follows is nobody's request", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const bytes = `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /next HTTP/1.1\r\n${H}\r\n`;
    const text = await exchangeRaw(scene.connect("api.test", 80, port), bytes);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(requests).toEqual([]);
  });
});

describe("names that differ", () => {
  test("a handshake for another name gets a certificate, and 421 for every request", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene, "front.test");
    const stream = await scene.connectTls("front.test", port, "evil.test");
    const answer = await fetchOver(stream, { headers: { Host: "front.test" } });
    expect([answer.status, JSON.parse(answer.body).error]).toEqual([421, "misdirected"]);
    expect([requests, scene.dials]).toEqual([[], 0]);
  });

  test("a Host that is not the name of the handshake is refused: no fronting", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene, "front.test");
    const answer = await fetchOver(await scene.connectTls("front.test", port), { headers: { Host: "evil.test" } });
    expect(answer.status).toBe(421);
    expect(requests).toEqual([]);
  });

  test("the spelling of a name makes no difference", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene, "api.test");
    const answer = await fetchOver(await scene.connectTls("api.test", port, "API.test"), {
      headers: { Host: "Api.Test.:443" },
    });
    expect(answer.status).toBe(200);
  });
});

describe("a program that is odd", () => {
  test("is cut off where it speaks something else", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    for (const bytes of ["SSH-2.0-x\r\n", "\x00\x01\x02", "\r\nGET / HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\n\r\n"]) {
      expect(await exchangeRaw(scene.connect("api.test", 80, port), bytes)).toBe("");
    }
    expect(scene.refusals).toHaveLength(4);
    expect(scene.dials).toBe(0);
  });

  test("is cut off where it says nothing", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    expect(await exchangeRaw(scene.connect("api.test", 80, port), "")).toBe("");
    expect(scene.dials).toBe(0);
  });

  test("is cut off where it sends more requests ahead than anybody does", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    let answer: (() => void) | undefined;
    scene.decide = () => new Promise((resolve) => (answer = () => resolve({ allowed: true, reason: "" })));
    const text = exchangeRaw(scene.connect("api.test", 80, port), `GET / HTTP/1.1\r\n${H}\r\n`.repeat(200));
    await text;
    expect(scene.questions.length).toBeLessThanOrEqual(1);
    answer?.();
  });

  test("with a broken handshake is cut off, whole or in pieces", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene, "api.test");
    for (const bytes of [
      Buffer.from("160301ffff01", "hex"),
      Buffer.from("1603010005020000010000", "hex"),
      Buffer.from("1603010004010000ff", "hex"),
    ]) {
      const stream = scene.connect("api.test", 443, port);
      stream.write(bytes);
      stream.end();
      await new Promise((resolve) => stream.once("close", resolve));
    }
    expect(scene.dials).toBe(0);
  });

  test("that does not trust the sandbox's authority is told apart in the record", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene, "api.test");
    const stream = scene.connect("api.test", 443, port);
    const client = connectTls({ socket: stream, servername: "api.test" });
    const [error] = (await once(client, "error")) as [Error];
    expect(error.message).toMatch(/self-signed|unable to/i);
    expect(SANDBOX.certificate).not.toContain("PRIVATE");
  });
});

describe("a method that headers override", () => {
  test("is judged as both", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const headers = { Host: "api.test", "X-HTTP-Method-Override": "delete" };
    await fetchOver(scene.connect("api.test", 80, port), { method: "POST", headers, body: "x" });
    expect(scene.questions[0]?.facts).toMatchObject({ method: "POST", override: "DELETE" });
  });
});

describe("WebSockets", () => {
  const upgrade = `GET /chat HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

  test("are judged as such, and then bytes go both ways", async () => {
    await using scene = new Scene();
    const port = await scene.rawServer((socket) => {
      socket.once("data", () => {
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhello",
        );
        socket.pipe(socket);
      });
    });
    const stream = scene.connect("api.test", 80, port);
    const text = await exchangeRaw(stream, upgrade, "hello");
    expect(text).toContain("Sec-WebSocket-Accept: x");
    expect(scene.questions[0]?.facts.websocket).toBe(true);
    expect(await exchangeRaw(stream, "ping", "ping")).toBe("ping");
  });

  test("after a denied upgrade nothing is relayed", async () => {
    await using scene = new Scene();
    scene.decide = () => ({ allowed: false, reason: "no" });
    const { port, requests } = await seen(scene);
    const text = await exchangeRaw(scene.connect("api.test", 80, port), `${upgrade}GET /after HTTP/1.1\r\n${H}\r\n`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 403"]);
    expect([requests, scene.dials]).toEqual([[], 0]);
  });

  test("that the host refuses are answered as it did", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const text = await exchangeRaw(scene.connect("api.test", 80, port), upgrade);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*reached$/);
    expect(requests).toEqual(["GET /chat"]);
  });
});
