import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { exchangeRaw, fetchOver, Scene } from "./support.ts";

const host = { Host: "api.test" };
const secure = { Host: "api.test" };

describe("HttpEngine", () => {
  test("relays a request and its response over plain HTTP", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => {
      response.writeHead(201, "Made", { "X-Seen": `${request.method} ${request.url} ${request.headers.host}` });
      response.end("hello");
    });
    const answer = await fetchOver(scene.connect("api.test", 80, port), { path: "/a?b=1", headers: host });
    expect(answer).toMatchObject({ status: 201, body: "hello" });
    expect(answer.headers["x-seen"]).toBe("GET /a?b=1 api.test");
    expect(scene.questions.map(({ scheme, facts }) => [scheme, facts.method, facts.target.readings])).toEqual([
      ["http", "GET", ["/a"]],
    ]);
  });

  test("opens TLS with a certificate of the sandbox's authority, and checks that of the host", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => response.end("secret"), "api.test");
    const answer = await fetchOver(await scene.connectTls("api.test", port), { headers: secure });
    expect(answer).toMatchObject({ status: 200, body: "secret" });
    expect(scene.questions[0]?.scheme).toBe("https");
  });

  test("does not forward to a host whose certificate is another's", async () => {
    await using scene = new Scene();
    let requests = 0;
    const port = await scene.server(() => requests++, "evil.test");
    const answer = await fetchOver(await scene.connectTls("api.test", port), { headers: secure });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ error: "upstream_untrusted" });
    expect(requests).toBe(0);
  });

  test("answers a request whose body is still to come, and closes its connection after that", async () => {
    await using scene = new Scene();
    const port = await scene.server(() => undefined);
    scene.decide = () => ({ allowed: false, reason: "no writing" });
    const stream = scene.connect("api.test", 8080, port);
    let said = "";
    let ended = false;
    stream.on("data", (data) => {
      said += data;
    });
    stream.once("end", () => {
      ended = true;
    });
    stream.write("POST /x HTTP/1.1\r\nHost: api.test:8080\r\nConnection: close\r\nContent-Length: 7\r\n\r\n");
    while (!said.includes("no writing")) await once(stream, "data");
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    stream.write("payload");
    await once(stream, "end");
  });

  test("answers a denied request with why, and the host never hears of it", async () => {
    await using scene = new Scene();
    let requests = 0;
    const port = await scene.server(() => requests++);
    scene.decide = () => ({ allowed: false, reason: "no writing", ruleId: "read", hint: "Allow POST" });
    const answer = await fetchOver(scene.connect("api.test", 8080, port), {
      method: "POST",
      path: "/x?token=hidden",
      headers: { Host: "api.test:8080" },
      body: "payload",
    });
    expect(answer.status).toBe(403);
    expect(answer.headers["x-cofferdam-rule"]).toBe("read");
    expect(JSON.parse(answer.body)).toEqual({
      error: "denied",
      reason: "no writing",
      rule: "read",
      host: "api.test",
      port: 8080,
      method: "POST",
      path: "/x",
      binary: "/usr/bin/curl",
      hint: "Allow POST",
    });
    expect(answer.body).not.toContain("hidden");
    expect([requests, scene.dials]).toEqual([0, 0]);
  });

  test("keeps the connections of both sides, and judges every request on them", async () => {
    await using scene = new Scene();
    const ports = new Set<number>();
    const port = await scene.server((request, response) => {
      ports.add(request.socket.remotePort ?? 0);
      response.end(request.url);
    });
    scene.decide = ({ facts }) => ({ allowed: facts.target.path !== "/no", reason: "" });
    const stream = scene.connect("api.test", 80, port);
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`;
    const text = await exchangeRaw(stream, get("/one") + get("/no") + get("/two") + get("/end"), "/end");
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 403", "HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(scene.questions).toHaveLength(4);
    expect([ports.size, scene.dials]).toEqual([1, 1]);
  });

  test("keeps the order of an answer's pieces, however they come", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => {
      response.write("o");
      response.flushHeaders();
      response.end("k");
    });
    scene.decide = ({ facts }) => {
      const response = facts.target.path === "/here" ? { response: new Response("here") } : {};
      return { allowed: true, reason: "", ...response };
    };
    const stream = scene.connect("api.test", 80, port);
    const bodies: string[] = [];
    for (const path of ["/here", "/there", "/here", "/there"]) {
      const text = await exchangeRaw(stream, `GET ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`, "0\r\n\r\n");
      bodies.push(text.slice(text.indexOf("\r\n\r\n") + 4));
    }
    const here = "4\r\nhere\r\n0\r\n\r\n";
    const there = "2\r\nok\r\n0\r\n\r\n";
    expect(bodies).toEqual([here, there, here, there]);
  });

  test("sends what was judged: the target in its one form, and no header that is about the connection", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => {
      response.setHeader("Keep-Alive", "timeout=9");
      response.setHeader("X-Private", "1");
      response.setHeader("Connection", "X-Private");
      response.end(JSON.stringify({ url: request.url, raw: request.rawHeaders }));
    });
    const answer = await fetchOver(scene.connect("api.test", 80, port), {
      path: "/a/./b/../%63?x=%2e",
      headers: {
        ...host,
        Connection: "X-Hop, keep-alive",
        "X-Hop": "1",
        TE: "trailers",
        "Proxy-Authorization": "x",
        Accept: "a",
      },
    });
    const { url, raw } = JSON.parse(answer.body) as { url: string; raw: string[] };
    expect(url).toBe("/a/c?x=%2e");
    expect(
      raw
        .filter((_, index) => index % 2 === 0)
        .map((name) => name.toLowerCase())
        .sort(),
    ).toEqual(["accept", "connection", "host"]);
    expect(answer.headers["x-private"]).toBeUndefined();
  });

  test("relays several headers of one name, both ways", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => {
      response.setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.end(request.rawHeaders.filter((_, index, all) => all[index - 1]?.toLowerCase() === "x-many").join("|"));
    });
    const answer = await fetchOver(scene.connect("api.test", 80, port), { headers: { ...host, "X-Many": ["1", "2"] } });
    expect([answer.headers["set-cookie"], answer.body]).toEqual([["a=1", "b=2"], "1|2"]);
  });

  test.each([
    ["chunked", { "Transfer-Encoding": "chunked" }],
    ["of a known length", { "Content-Length": "3000000" }],
  ])("relays large bodies both ways, %s", async (_, framing) => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => void request.pipe(response), "api.test");
    const body = randomBytes(3_000_000);
    const stream = await scene.connectTls("api.test", port);
    const hash = createHash("sha256");
    const { request } = await import("node:http");
    const sent = request({
      method: "POST",
      headers: { ...secure, ...framing },
      setHost: false,
      createConnection: () => stream as never,
    });
    sent.end(body);
    const [incoming] = await once(sent, "response");
    for await (const chunk of incoming) hash.update(chunk as Buffer);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
  });

  test("relays the first event before the second is there", async () => {
    await using scene = new Scene();
    let more: (() => void) | undefined;
    const port = await scene.server((_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: one\n\n");
      more = () => response.end("data: two\n\n");
    });
    const stream = scene.connect("api.test", 80, port);
    const first = await exchangeRaw(stream, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", "data: one");
    expect(first).not.toContain("two");
    more?.();
    expect(await exchangeRaw(stream, "", "data: two")).toContain("two");
  });

  test("answers HEAD, 204 and 304 without a body, and the connection goes on", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { "Content-Length": "5" });
      else response.statusCode = Number(request.url?.slice(1));
      response.end();
    });
    const stream = scene.connect("api.test", 80, port);
    const ask = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`;
    const text = await exchangeRaw(
      stream,
      ask("HEAD", "/") + ask("GET", "/204") + ask("GET", "/304") + ask("GET", "/200"),
      "200 OK\r\nDate",
    );
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 204", "HTTP/1.1 304", "HTTP/1.1 200"]);
    expect(text).toContain("Content-Length: 5");
  });

  test("relays trailers", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("x");
      response.addTrailers({ "X-Sum": "9" });
      response.end();
    });
    const answer = await fetchOver(scene.connect("api.test", 80, port), { headers: host });
    expect(answer.trailers).toEqual({ "x-sum": "9" });
  });

  test("tells the program to go on when the host does", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => void request.pipe(response));
    const stream = scene.connect("api.test", 80, port);
    const head = "POST / HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    expect(await exchangeRaw(stream, head, "\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    expect(await exchangeRaw(stream, "hi", "hi")).toContain("200 OK");
  });

  test("denies what waits for a go-ahead before its body is sent", async () => {
    await using scene = new Scene();
    scene.decide = () => ({ allowed: false, reason: "no" });
    const port = await scene.server((_, response) => response.end());
    const stream = scene.connect("api.test", 80, port);
    const head = "POST / HTTP/1.1\r\nHost: api.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    const text = await exchangeRaw(stream, head, "no");
    expect(text).toContain("403 Forbidden");
    expect(text).not.toContain("100 Continue");
  });

  test("resets where the host breaks off: half an answer is never whole", async () => {
    await using scene = new Scene();
    const port = await scene.rawServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      setTimeout(() => socket.destroy(), 20);
    });
    const text = await exchangeRaw(scene.connect("api.test", 80, port), "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
    expect(text).toContain("hello");
    expect(text).not.toContain("0\r\n\r\n");
    await expect(fetchOver(scene.connect("api.test", 80, port), { headers: host })).rejects.toThrow(
      /aborted|reset|hang up/,
    );
  });

  test("resets where the host sends less than it said", async () => {
    await using scene = new Scene();
    const port = await scene.rawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
    await expect(fetchOver(scene.connect("api.test", 80, port), { headers: host })).rejects.toThrow(
      /aborted|reset|hang up/,
    );
  });

  test("answers with 502 where the host cannot be reached", async () => {
    await using scene = new Scene();
    const port = await scene.rawServer((socket) => socket.destroy());
    const answer = await fetchOver(scene.connect("api.test", 80, port), { headers: host });
    expect([answer.status, JSON.parse(answer.body).error]).toEqual([502, "upstream_unreachable"]);
    expect(scene.refusals).toEqual([{ object: "GET /", reason: "the host closed the connection" }]);
  });

  test("asks again on a new connection where a kept one was closed just then", async () => {
    await using scene = new Scene();
    let connections = 0;
    const port = await scene.rawServer((socket) => {
      const mine = ++connections;
      let requests = 0;
      socket.on("data", () => {
        // The first connection answers once and then closes at the next request.
        if (mine === 1 && ++requests > 1) socket.destroy();
        else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${mine}`);
      });
    });
    const stream = scene.connect("api.test", 80, port);
    const get = "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n";
    await exchangeRaw(stream, get, "\r\n\r\n1");
    expect(await exchangeRaw(stream, get, "\r\n\r\n2")).toContain("200 OK");
    expect(scene.dials).toBe(2);
  });

  test("ends the request to the host when the program goes away", async () => {
    await using scene = new Scene();
    let closed: Promise<unknown> | undefined;
    const port = await scene.server((request, response) => {
      closed = once(request.socket, "close");
      response.write("begin");
    });
    const stream = scene.connect("api.test", 80, port);
    await exchangeRaw(stream, "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", "begin");
    stream.destroy();
    await closed;
  });
});
