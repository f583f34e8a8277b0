import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { resetStream } from "../../src/egress/http/http2-body.ts";
import { SANDBOX, Scene } from "./support.ts";
import { ask, http2Host, http2Session, sessionOn } from "./support-http2.ts";

const HOST = "api.test";

describe("HTTP/2 on both sides", () => {
  test("is agreed on, and each request is judged and relayed on one connection to the host", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        stream.respond({
          ":status": 201,
          "x-seen": `${headers[":method"]} ${headers[":path"]} ${headers[":authority"]}`,
        });
        stream.end("hello");
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const answers = await Promise.all(["/a?b=1", "/./c", "/d"].map((path) => ask(session, { ":path": path })));
    expect(answers.map(({ status, headers, body }) => [status, headers["x-seen"], body.toString()])).toEqual([
      [201, "GET /a?b=1 api.test", "hello"],
      [201, "GET /c api.test", "hello"],
      [201, "GET /d api.test", "hello"],
    ]);
    expect(scene.questions.map(({ scheme, facts }) => [scheme, facts.method])).toEqual(Array(3).fill(["https", "GET"]));
    expect(scene.dials).toBe(1);
  });

  test("relays trailers both ways, and those of a request never pass for its headers", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        const chunks: Buffer[] = [];
        let trailers: unknown;
        stream.on("trailers", (given) => {
          trailers = { ...given };
        });
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          stream.respond({ ":status": 200 }, { waitForTrailers: true });
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-te": String(headers.te) }));
          stream.end(JSON.stringify([Buffer.concat(chunks).toString(), trailers]));
        });
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "POST", ":path": "/", te: "trailers" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "9", "x-http-method-override": "DELETE" }));
    stream.end("body");
    let text = "";
    let trailers: Record<string, unknown> = {};
    stream.on("trailers", (given) => {
      trailers = { ...given };
    });
    for await (const chunk of stream) text += chunk;
    expect(JSON.parse(text)).toEqual(["body", { "x-sum": "9" }]);
    expect(Object.entries(trailers)).toEqual([
      ["grpc-status", "0"],
      ["x-te", "trailers"],
    ]);
  });

  test("relays large bodies both ways at once", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.pipe(stream);
      },
      HOST,
    );
    const body = randomBytes(3_000_000);
    const answer = await ask(await http2Session(scene, HOST, port), { ":method": "POST" }, body);
    const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    expect([answer.rstCode, digest(answer.body)]).toEqual([0, digest(body)]);
  });

  test("relays what comes before the rest is there, in each direction", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.on("data", (chunk: Buffer) => stream.write(`echo ${chunk}`));
        stream.on("end", () => stream.end());
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "POST", ":path": "/" });
    for (const word of ["one", "two"]) {
      stream.write(word);
      expect(String((await once(stream, "data"))[0])).toBe(`echo ${word}`);
    }
    stream.end();
    await once(stream, "end");
  });

  test("holds back a host whose program does not read", async () => {
    await using scene = new Scene();
    let sent = 0;
    const { port } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 200 });
        const piece = Buffer.alloc(65_536);
        const more = (): unknown => {
          while (sent < 100_000_000) {
            sent += piece.length;
            if (!stream.write(piece)) return stream.once("drain", more);
          }
          return stream.end();
        };
        more();
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await once(stream, "response");
    stream.pause();
    let before = -1;
    // Until nothing moves any more.
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sent).toBeLessThan(8_000_000);
    stream.close(constants.NGHTTP2_CANCEL);
  });

  test("answers HEAD, 204 and 304 without a body", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        const status = headers[":method"] === "HEAD" ? 200 : Number(headers[":path"]?.slice(1));
        stream.respond({ ":status": status, "x-length": "5" });
        if (!stream.writableEnded) stream.end();
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const asked = [{ ":method": "HEAD" }, { ":path": "/204" }, { ":path": "/304" }, { ":path": "/200" }];
    const answers = await Promise.all(asked.map((headers) => ask(session, headers)));
    expect(answers.map(({ status, body, rstCode }) => [status, body.length, rstCode])).toEqual([
      [200, 0, 0],
      [204, 0, 0],
      [304, 0, 0],
      [200, 0, 0],
    ]);
  });

  test("relays an answer of gRPC that is only trailers as such", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream) => {
        const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": "5" };
        stream.respond(headers, { endStream: true });
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc" });
    const closed = once(stream, "close");
    stream.end("x");
    const [headers, flags] = (await once(stream, "response")) as [Record<string, unknown>, number];
    expect([headers["grpc-status"], flags & constants.NGHTTP2_FLAG_END_STREAM]).toEqual(["5", 1]);
    stream.resume();
    await closed;
  });

  test("tells the program to go on when the host does", async () => {
    await using scene = new Scene();
    const { port, http2 } = await http2Host(scene, () => undefined, HOST);
    http2.removeAllListeners("stream");
    http2.on("stream", (stream) => {
      stream.additionalHeaders({ ":status": 100 });
      stream.respond({ ":status": 200 });
      stream.pipe(stream);
    });
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "POST", ":path": "/", expect: "100-continue" });
    await once(stream, "continue");
    stream.end("hi");
    expect(String((await once(stream, "data"))[0])).toBe("hi");
  });

  test("ends the upload where the host has answered without it, and the answer arrives whole", async () => {
    await using scene = new Scene();
    const body = randomBytes(2_000_000);
    const { port } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 413 });
        stream.end(body);
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "POST", ":path": "/" });
    stream.write(Buffer.alloc(100_000));
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(stream, "close");
    expect([Buffer.concat(chunks).equals(body), stream.rstCode]).toEqual([true, constants.NGHTTP2_NO_ERROR]);
  });
});

describe("an answer that is not the host's", () => {
  test("arrives whole though nobody reads the request", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(scene, () => undefined, HOST);
    scene.decide = () => ({ allowed: true, reason: "", response: new Response("from here", { status: 203 }) });
    const session = await http2Session(scene, HOST, port);
    const answer = await ask(session, { ":method": "POST" }, "x".repeat(1000));
    expect([answer.status, answer.body.toString(), answer.rstCode]).toEqual([203, "from here", 0]);
    expect(scene.dials).toBe(0);
  });

  test("is followed by a PING where it was over before the request was", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(scene, () => undefined, HOST);
    scene.decide = () => ({ allowed: true, reason: "", response: new Response("from here") });
    const session = await http2Session(scene, HOST, port);
    let pings = 0;
    session.on("ping", () => pings++);
    await ask(session, { ":path": "/" });
    expect(pings).toBe(0);
    const pinged = once(session, "ping");
    const stream = session.request({ ":method": "POST", ":path": "/" });
    await once(stream.resume(), "end");
    stream.end("late");
    await pinged;
  });
});

describe("resets", () => {
  test("of the host in the middle of an answer reach the program with their code", async () => {
    await using scene = new Scene();
    const { port } = await http2Host(
      scene,
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.write("half");
        setTimeout(() => resetStream(stream, constants.NGHTTP2_ENHANCE_YOUR_CALM), 20);
      },
      HOST,
    );
    const answer = await ask(await http2Session(scene, HOST, port), {});
    expect([answer.body.toString(), answer.rstCode]).toEqual(["half", constants.NGHTTP2_ENHANCE_YOUR_CALM]);
  });

  test("that cancel are no ends: half an answer is never whole, half a request neither", async () => {
    await using scene = new Scene();
    let uploaded: Promise<unknown> | undefined;
    let ended = false;
    const { port } = await http2Host(
      scene,
      (stream, headers) => {
        if (headers[":path"] === "/down") {
          stream.respond({ ":status": 200 });
          stream.write("half");
          setTimeout(() => resetStream(stream, constants.NGHTTP2_CANCEL), 20);
          return;
        }
        uploaded = once(stream, "close").then(() => [stream.rstCode, ended]);
        stream.respond({ ":status": 200 });
        stream.on("end", () => {
          // `node:http2` ends what is cancelled too: only the code tells.
          ended = stream.rstCode === 0;
        });
        stream.resume();
        stream.write("begin");
      },
      HOST,
    );
    const session = await http2Session(scene, HOST, port);
    const down = await ask(session, { ":path": "/down" });
    expect([down.body.toString(), down.rstCode]).toEqual(["half", constants.NGHTTP2_CANCEL]);
    const up = session.request({ ":method": "POST", ":path": "/up" });
    up.on("error", () => undefined);
    up.write("half");
    await once(up, "data");
    resetStream(up, constants.NGHTTP2_CANCEL);
    await once(up, "close");
    expect(await uploaded).toEqual([constants.NGHTTP2_CANCEL, false]);
  });

  test("of a program reach a host that speaks HTTP/1.1 as the end of its connection", async () => {
    await using scene = new Scene();
    let closed: Promise<unknown> | undefined;
    const port = await scene.server((request, response) => {
      closed = new Promise((resolve) => request.socket.once("close", resolve));
      response.write("begin");
    }, HOST);
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":path": "/" });
    stream.on("error", () => undefined);
    await once(stream, "data");
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
  });
});

describe("programs that are gone", () => {
  test.each(["end", "destroy"] as const)("(%s of their connection) are waited for by no host", async (how) => {
    await using scene = new Scene();
    let closed: Promise<unknown> | undefined;
    const port = await scene.server((request, response) => {
      closed = new Promise((resolve) => request.socket.once("close", resolve));
      response.write("begin");
    }, HOST);
    const raw = scene.connect(HOST, 443, port);
    const secure = connectTls({ socket: raw, servername: HOST, ca: SANDBOX.certificate, ALPNProtocols: ["h2"] });
    secure.on("error", () => undefined);
    await once(secure, "secureConnect");
    const stream = sessionOn(`https://${HOST}`, secure).request({ ":path": "/" });
    stream.on("error", () => undefined);
    await once(stream, "data");
    // As the kernel does for a program that was killed: TLS and HTTP/2 hear nothing.
    raw[how]();
    await closed;
  });
});
