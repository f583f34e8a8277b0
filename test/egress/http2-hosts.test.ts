import { constants } from "node:http2";
import { describe, expect, test } from "vitest";
import { fetchOver, Scene } from "./support.ts";
import { ask, http2Host, http2Session, sessionOn } from "./support-http2.ts";

const HOST = "api.test";

describe("versions that differ", () => {
  test("a host that speaks only HTTP/1.1 serves a program that speaks HTTP/2, trailers and cookies included", async () => {
    await using scene = new Scene();
    const port = await scene.server((request, response) => {
      response.setHeader("Set-Cookie", ["a=1", "b=2"]);
      response.setHeader("Trailer", "X-Sum");
      response.write(`${request.httpVersion} ${request.headers.host} ${request.headers.cookie} `);
      request.on("data", (chunk) => response.write(chunk));
      request.on("end", () => {
        response.addTrailers({ "X-Sum": "9" });
        response.end();
      });
    }, HOST);
    const session = await http2Session(scene, HOST, port);
    const headers = { ":method": "POST", cookie: ["x=1", "y=2"] };
    const answer = await ask(session, headers, "body");
    expect(answer.body.toString()).toBe("1.1 api.test x=1; y=2 body");
    expect([answer.headers["set-cookie"], answer.trailers["x-sum"]]).toEqual([["a=1", "b=2"], "9"]);
    const more = await Promise.all([1, 2, 3].map(() => ask(session, headers, "body")));
    expect(more.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test("a host that speaks only HTTP/2 serves a program that speaks HTTP/1.1", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        stream.respond({ ":status": 200, "x-authority": headers[":authority"] }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "9" }));
        stream.pipe(stream);
      },
      HOST,
    );
    const answer = await fetchOver(await scene.connectTls(HOST, port), {
      method: "POST",
      headers: { Host: HOST, "X-A": "b" },
      body: "body",
    });
    expect(answer).toMatchObject({ status: 200, body: "body", trailers: { "x-sum": "9" } });
    expect(answer.headers["x-authority"]).toBe(HOST);
  });

  test("HTTP/2 by prior knowledge, without TLS, is served where the host does so too", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(scene, (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("clear");
    });
    const session = sessionOn("http://api.test", scene.connect(HOST, 80, port));
    expect((await ask(session, {})).body.toString()).toBe("clear");
    expect(scene.questions[0]?.scheme).toBe("http");
  });
});

describe("connections to hosts", () => {
  test("that say they will go are left: what comes next goes over another", async () => {
    await using scene = new Scene();
    let sessions = 0;
    const { port, http2 } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.end(String(sessions));
        if (sessions === 1) stream.session?.close();
      },
      HOST,
    );
    http2.on("session", () => sessions++);
    const session = await http2Session(scene, HOST, port);
    expect((await ask(session, {})).body.toString()).toBe("1");
    expect((await ask(session, {})).body.toString()).toBe("2");
    expect(scene.dials).toBe(2);
  });

  test("that refuse a request are asked again", async () => {
    await using scene = new Scene();
    let asked = 0;
    const { port } = await http2Host(
      scene,
      (stream) => {
        if (++asked === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        stream.respond({ ":status": 200 });
        return void stream.end("second");
      },
      HOST,
    );
    expect((await ask(await http2Session(scene, HOST, port), {})).body.toString()).toBe("second");
  });

  test("that take one request at a time get others beside them", async () => {
    await using scene = new Scene();
    const waiting: (() => void)[] = [];
    const { port } = await http2Host(
      scene,
      (stream) => {
        waiting.push(() => {
          stream.respond({ ":status": 200 });
          stream.end("done");
        });
        if (waiting.length === 3) for (const answer of waiting) answer();
      },
      HOST,
      { maxConcurrentStreams: 1 },
    );
    const session = await http2Session(scene, HOST, port);
    const answers = await Promise.all([ask(session, {}), ask(session, {}), ask(session, {})]);
    expect(answers.map(({ body }) => body.toString())).toEqual(["done", "done", "done"]);
    expect(scene.dials).toBe(3);
  });

  test("that broke answer with 502, and the next request has a new one", async () => {
    await using scene = new Scene();
    let asked = 0;
    const { port } = await http2Host(
      scene,
      (stream) => {
        if (++asked === 1) return stream.session?.destroy();
        stream.respond({ ":status": 200 });
        return void stream.end("second");
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const broken = await ask(session, { ":method": "POST" }, "x");
    expect([broken.status, JSON.parse(broken.body.toString()).error]).toEqual([502, "upstream_unreachable"]);
    expect((await ask(session, {})).body.toString()).toBe("second");
  });

  test("are not kept when the policy has changed, and open streams live on", async () => {
    await using scene = new Scene();
    let finish: (() => void) | undefined;
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        stream.respond({ ":status": 200 });
        if (headers[":path"] !== "/long") return void stream.end("short");
        stream.write("begin ");
        finish = () => stream.end("end");
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const long = ask(session, { ":path": "/long" });
    while (finish === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    scene.engine.policyChanged();
    scene.decide = () => ({ allowed: false, reason: "no more" });
    expect((await ask(session, {})).status).toBe(403);
    scene.decide = () => ({ allowed: true, reason: "" });
    expect((await ask(session, {})).body.toString()).toBe("short");
    finish();
    expect((await long).body.toString()).toBe("begin end");
    expect(scene.dials).toBe(2);
  });
});
