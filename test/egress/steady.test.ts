import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { describe, expect, test } from "vitest";
import { fetchOver, Scene } from "./support.ts";
import { ask, http2Session } from "./support-http2.ts";

const HOST = "api.test";
const MIB = 1_048_576;

const descriptors = () => readdirSync("/proc/self/fd").length;

/** A host that answers with as many bytes as the path says. */
const sender = (scene: Scene) =>
  scene.server((asked, response) => {
    let left = Number(asked.url?.slice(1));
    const piece = Buffer.alloc(65_536);
    const more = (): void => {
      while (left > 0) {
        left -= piece.length;
        if (!response.write(piece)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  }, HOST);

describe("what stays", () => {
  test("of 2,000 connections is no descriptor", { timeout: 240_000 }, async () => {
    await using scene = new Scene();
    const port = await sender(scene);
    const one = async (index: number): Promise<void> => {
      if (index % 2 === 0) {
        const stream = await scene.connectTls(HOST, port);
        expect((await fetchOver(stream, { headers: { Host: HOST }, path: "/0" })).status).toBe(200);
        stream.destroy();
        return;
      }
      const session = await http2Session(scene, HOST, port);
      expect((await ask(session, { ":path": "/0" })).status).toBe(200);
      session.destroy();
    };
    const row = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 10) {
        await Promise.all(Array.from({ length: 10 }, (_, more) => one(index + more)));
      }
    };
    await row(50);
    const before = descriptors();
    await row(2000);
    expect(descriptors() - before).toBeLessThan(20);
    expect(scene.dials).toBeLessThan(50);
  });

  test.each(["HTTP/1.1", "HTTP/2"])(
    "of 300 MiB over %s is nothing: memory is flat",
    { timeout: 120_000 },
    async (version) => {
      await using scene = new Scene();
      const port = await sender(scene);
      const path = `/${300 * MIB}`;
      const incoming = version === "HTTP/2" ? await overHttp2(scene, port, path) : await overHttp1(scene, port, path);
      let bytes = 0;
      let most = 0;
      let base = 0;
      for await (const chunk of incoming) {
        bytes += (chunk as Buffer).length;
        // Until then buffers and code have come to what they need.
        if (base === 0 && bytes > 50 * MIB) base = process.memoryUsage.rss();
        most = Math.max(most, process.memoryUsage.rss());
      }
      expect(bytes).toBe(300 * MIB);
      expect((most - base) / MIB).toBeLessThan(128);
    },
  );
});

async function overHttp2(scene: Scene, port: number, path: string): Promise<AsyncIterable<unknown>> {
  return (await http2Session(scene, HOST, port)).request({ ":path": path });
}

async function overHttp1(scene: Scene, port: number, path: string): Promise<AsyncIterable<unknown>> {
  const stream = await scene.connectTls(HOST, port);
  const sent = request({ path, headers: { Host: HOST }, setHost: false, createConnection: () => stream as never });
  sent.end();
  const [incoming] = (await once(sent, "response")) as [IncomingMessage];
  return incoming;
}
