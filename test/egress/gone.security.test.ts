import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { relayBody } from "../../src/egress/http/relay-body.ts";
import { fetchOver, Scene } from "./support.ts";
import { http2Host, http2Session } from "./support-http2.ts";

test("a host whose answer cannot be passed on is left", async () => {
  await using scene = new Scene();
  let closed: Promise<unknown> | undefined;
  const port = await scene.rawServer((socket) => {
    closed = once(socket, "close");
    socket.resume().write("HTTP/1.1 099 Odd\r\nContent-Length: 100000\r\n\r\npart");
  });
  const answer = await fetchOver(scene.connect("api.test", 80, port), { headers: { Host: "api.test" } });
  expect(answer.status).toBe(502);
  await closed;
});

test("an upload that is left after it was answered is not left with the host", async () => {
  await using scene = new Scene();
  let closed: Promise<unknown> | undefined;
  const port = await scene.rawServer((socket) => {
    closed = once(
      socket.on("error", () => undefined),
      "close",
    );
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).resume();
  });
  const inside = scene.connect("api.test", 80, port);
  const answered = once(inside, "data");
  inside.write("POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  await answered;
  inside.destroy();
  await closed;
});

test("a request that was taken back while a connection was made is not left with the host", async () => {
  await using scene = new Scene();
  const streams: ServerHttp2Stream[] = [];
  const { port } = await http2Host(scene, (stream) => streams.push(stream), "api.test");
  const session = await http2Session(scene, "api.test", port);
  const gone = session.request({ ":path": "/gone" });
  gone.on("error", () => undefined);
  while (scene.dials === 0) await new Promise(setImmediate);
  gone.close(8);
  await once(gone, "close");
  const next = session.request({ ":path": "/next" });
  next.on("error", () => undefined);
  while (!streams.some(({ sentHeaders, closed }) => sentHeaders === undefined && !closed))
    await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(streams.filter(({ closed }) => !closed)).toHaveLength(1);
});

test("relayBody() takes what its end throws for a break", async () => {
  const broken = await new Promise((resolve) => {
    relayBody({
      from: Readable.from([Buffer.from("x")], { objectMode: false }),
      to: new PassThrough(),
      onEnd: () => {
        throw new Error("trailers that cannot be sent");
      },
      onBroken: resolve,
      onClosed: () => undefined,
    });
  });
  expect(broken).toMatchObject({ message: "trailers that cannot be sent" });
});
