import { once } from "node:events";
import { constants } from "node:http2";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { Scene } from "./support.ts";
import { ask, frameOf, http2Host, http2Session, PREFACE, sessionOn } from "./support-http2.ts";

const HOST = "api.test";

/** A host that says what reached it. */
const seen = async (scene: Scene) => {
  const requests: string[] = [];
  const { port } = await http2Host(
    scene,
    (stream, headers) => {
      requests.push(`${headers[":method"]} ${headers[":path"]}`);
      stream.respond({ ":status": 200 });
      stream.end("reached");
    },
    HOST,
  );
  return { port, requests };
};

/** Waits until a connection is over: what it still said. */
const drained = async (stream: Duplex): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!stream.closed) await once(stream, "close");
  return Buffer.concat(chunks);
};

/** The code of the GOAWAY among frames. */
const goaway = (bytes: Buffer): number | undefined => {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 7) return bytes.readUInt32BE(at + 13);
  }
  return undefined;
};

describe("a stream", () => {
  test.each<[string, Record<string, string | string[]>, number]>([
    ["for another host", { ":authority": "evil.test" }, 421],
    ["for another port", { ":authority": "api.test:8443" }, 421],
    ["with another Host than its :authority", { ":authority": HOST, host: "evil.test" }, 400],
    ["of another scheme", { ":scheme": "http" }, 400],
    ["with a path above the root", { ":path": "/../etc" }, 400],
    ["with a path that is encoded twice", { ":path": "/%252e%252e/x" }, 400],
    ["with a method in lower case", { ":method": "get" }, 400],
  ])("%s is refused and recorded", async (_, headers, status) => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const answer = await ask(await http2Session(scene, HOST, port), headers);
    expect([answer.status, answer.headers["x-cofferdam-rule"]]).toEqual([status, "none"]);
    expect([requests, scene.questions, scene.dials]).toEqual([[], [], 0]);
    expect(scene.refusals).toHaveLength(1);
  });

  test("with a user before its host is refused, by newer Nodes with a reset", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const answer = await ask(await http2Session(scene, HOST, port), { ":authority": "api.test@evil.test" });
    if (answer.status === 0) expect(answer.rstCode).toBe(constants.NGHTTP2_PROTOCOL_ERROR);
    else expect(answer.status).toBe(421);
    expect([requests, scene.questions, scene.dials]).toEqual([[], [], 0]);
  });

  test("that asks for a tunnel gets none", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const session = await http2Session(scene, HOST, port);
    const stream = session.request({ ":method": "CONNECT", ":authority": "169.254.169.254:80" });
    stream.on("error", () => undefined);
    const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
    expect([headers[":status"], scene.questions, scene.dials]).toEqual([403, [], 0]);
  });

  test("that asks for a WebSocket by an extended CONNECT is refused", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const session = await http2Session(scene, HOST, port);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
    // As a client that does not care sends it: :method CONNECT, :protocol websocket, :scheme, :path, :authority.
    const literal = (name: string, value: string) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]);
    const fields = {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "http",
      ":path": "/",
      ":authority": HOST,
    };
    const block = Buffer.concat(Object.entries(fields).map(([name, value]) => literal(name, value)));
    const raw = scene.connect(HOST, 80, port);
    raw.write(Buffer.concat([PREFACE, frameOf(1, 4, 1, block)]));
    const [first] = (await once(raw, "data")) as [Buffer];
    expect(first.length).toBeGreaterThan(0);
    raw.end();
    await drained(raw);
    expect([scene.questions, scene.dials]).toEqual([[], 0]);
  });

  test("that is denied says why in JSON, and the host never hears of it", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    scene.decide = () => ({ allowed: false, reason: "no writing", ruleId: "read", hint: "Allow POST" });
    const answer = await ask(
      await http2Session(scene, HOST, port),
      { ":method": "POST", ":path": "/x?token=hidden" },
      "x",
    );
    expect([answer.status, answer.headers["x-cofferdam-rule"]]).toEqual([403, "read"]);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: "denied", reason: "no writing", path: "/x" });
    expect(answer.body.toString()).not.toContain("hidden");
    expect([requests, scene.dials]).toEqual([[], 0]);
  });

  test("of gRPC that is denied has a status that its client reads", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    scene.decide = () => ({ allowed: false, reason: "nö 100%", ruleId: "read" });
    const headers = { ":method": "POST", ":path": "/a.B/C", "content-type": "application/grpc+proto", te: "trailers" };
    const answer = await ask(await http2Session(scene, HOST, port), headers, "x");
    expect(answer.headers).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": "7",
      "grpc-message": "n%C3%B6 100%25",
      "x-cofferdam-rule": "read",
    });
    expect([answer.body.length, requests]).toEqual([0, []]);
    expect(scene.questions[0]?.facts.grpc).toBe(true);
  });

  test("with more headers than anybody sends is reset, and its neighbours live on", async () => {
    await using scene = new Scene();
    const { port, requests } = await seen(scene);
    const session = await http2Session(scene, HOST, port);
    await once(session, "remoteSettings");
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, "1"]));
    const large = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`x-${index}`, "v".repeat(3000)]));
    for (const headers of [many, large]) {
      const answer = await ask(session, headers);
      expect([answer.status, answer.rstCode]).not.toEqual([200, 0]);
    }
    const other = session.destroyed ? await http2Session(scene, HOST, port) : session;
    expect((await ask(other, {})).status).toBe(200);
    expect(requests).toEqual(["GET /"]);
  });
});

describe("a connection", () => {
  test("that was denied answers every stream with why", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const denial = { error: "denied", reason: "not this host", judged: true } as const;
    const answer = await ask(await http2Session(scene, HOST, port, denial), {});
    expect([answer.status, JSON.parse(answer.body.toString()).reason]).toEqual([403, "not this host"]);
    expect(scene.dials).toBe(0);
  });

  test("to a name that its handshake does not say is answered with 421", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const socket = await scene.connectTls(HOST, port, "evil.test", ["h2"]);
    const answer = await ask(sessionOn(`https://${HOST}`, socket), {});
    expect([answer.status, scene.dials]).toEqual([421, 0]);
  });

  test("has a bound of requests at one time", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    scene.decide = () => new Promise(() => undefined);
    const session = await http2Session(scene, HOST, port);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.maxConcurrentStreams).toBe(128);
    // One that does not listen to that.
    const raw = scene.connect(HOST, 80, port);
    const block = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, HOST.length]), Buffer.from(HOST)]);
    raw.write(
      Buffer.concat([PREFACE, ...Array.from({ length: 300 }, (_, index) => frameOf(1, 5, 1 + 2 * index, block))]),
    );
    await until(() => scene.questions.length >= 128);
    raw.write(frameOf(6, 0, 0, Buffer.alloc(8)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(scene.questions.length).toBe(128);
  });

  test("that takes requests back as fast as it makes them is closed: rapid reset", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    let dropped = 0;
    scene.decide = ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          dropped++;
          resolve({ allowed: false, reason: "" });
        });
      });
    const raw = scene.connect(HOST, 80, port);
    const block = Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, HOST.length]), Buffer.from(HOST)]);
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    const ended = drained(raw);
    raw.write(PREFACE);
    for (let round = 0; round < 200 && !raw.destroyed; round++) {
      const ids = Array.from({ length: 50 }, (_, index) => 1 + 2 * (round * 50 + index));
      raw.write(Buffer.concat(ids.flatMap((id) => [frameOf(1, 5, id, block), frameOf(3, 0, id, cancel)])));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(goaway(await ended)).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(scene.questions.length).toBeLessThan(1100);
    expect(dropped).toBeLessThanOrEqual(scene.questions.length);
    expect(scene.refusals.at(-1)?.reason).toMatch(/takes back requests/);
    expect(scene.dials).toBe(0);
  });

  test.each([
    ["PING", frameOf(6, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", frameOf(4, 0, 0)],
    ["DATA that carries nothing", frameOf(0, 0, 1)],
  ])("that floods with %s is closed", async (_, frame) => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    scene.decide = () => new Promise(() => undefined);
    const raw = scene.connect(HOST, 80, port);
    const block = Buffer.concat([Buffer.from([0x83, 0x86, 0x84, 0x41, HOST.length]), Buffer.from(HOST)]);
    const ended = drained(raw);
    raw.write(Buffer.concat([PREFACE, frameOf(1, 4, 1, block)]));
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => frame));
    for (let round = 0; round < 100 && !raw.destroyed; round++) {
      if (!raw.write(flood)) await Promise.race([once(raw, "drain"), ended]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    expect(raw.destroyed).toBe(true);
  });

  test("that speaks HTTP/1.1 where it agreed to HTTP/2 is closed", async () => {
    await using scene = new Scene();
    const { port } = await seen(scene);
    const socket = await scene.connectTls(HOST, port, HOST, ["h2"]);
    socket.write("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n");
    await drained(socket);
    expect([scene.questions, scene.dials]).toEqual([[], 0]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
