import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { MessageJudge } from "../../src/egress/http/connection.ts";
import { ContentBudget } from "../../src/egress/http/content.ts";
import { readEvents } from "../../src/egress/http/event-stream.ts";
import { showAnswer } from "../../src/egress/http/hooked-answer.ts";
import { judgeAnswer } from "../../src/egress/http/judged-answer.ts";
import { OPCODES, writeFrame } from "../../src/egress/websocket/frames.ts";
import { relayMessages } from "../../src/egress/websocket/relay.ts";
import { exchangeRaw, pair, Scene } from "./support.ts";

const MIB = 1_048_576;

/** Everything that a sandbox may hold back. */
const ALL = 16 * MIB;

const judge: MessageJudge = {
  speaksRpc: true,
  judge: () => ({ allowed: true }),
  knowsTool: () => true,
  broken: () => undefined,
};

describe("what is held back", () => {
  test("is counted until an answer that was judged has been read", async () => {
    const budget = new ContentBudget();
    const text = JSON.stringify({ jsonrpc: "2.0", id: 1, result: "x".repeat(MIB) });
    const stream = Readable.from([Buffer.from(text)], { objectMode: false });
    const headers = [["content-type", "application/json"]] as const;
    const answer = await judgeAnswer({ status: 200, headers, body: { stream, trailers: () => [] } }, judge, budget);
    if ("error" in answer) return expect.unreachable(answer.reason);
    expect(budget.take(ALL - MIB)).toBe(false);
    for await (const _ of answer.body.stream);
    expect(budget.take(ALL)).toBe(true);
  });

  test("is counted while an event has no end", async () => {
    const budget = new ContentBudget();
    const [first, second] = [new Readable({ read: () => undefined }), new Readable({ read: () => undefined })];
    const reading = readEvents(first, budget).next();
    first.push(`data: ${"x".repeat(7 * MIB)}`);
    await new Promise(setImmediate);
    expect(budget.take(ALL - 6 * MIB)).toBe(false);
    expect(budget.take(9 * MIB - 100)).toBe(true);
    const other = readEvents(second, budget).next();
    second.push(`data: ${"x".repeat(1000)}`);
    await expect(other).rejects.toThrow("too much waits");
    first.push("\n\n");
    expect((await reading).value.data).toHaveLength(7 * MIB);
  });

  test("is counted while a message on a WebSocket is not whole", async () => {
    const budget = new ContentBudget();
    budget.take(ALL - 1000);
    const [[program, inside], [host, outside]] = [pair(), pair()];
    for (const end of [program, inside, host, outside]) end.on("error", () => undefined);
    const broken: string[] = [];
    const relayed = relayMessages(
      inside,
      outside,
      { judge: () => ({ allowed: true }), broken: (direction, reason) => broken.push(`${direction} ${reason}`) },
      budget,
    );
    program.resume().write(writeFrame(OPCODES.text, Buffer.alloc(65_536), true).subarray(0, 60_000));
    while (broken.length === 0) await new Promise(setImmediate);
    expect(broken).toEqual(["to-host too many messages wait to be whole"]);
    expect(budget.take(1000)).toBe(true);
    program.destroy();
    host.destroy();
    await relayed;
  });

  test("is little of requests that are sent ahead", async () => {
    await using scene = new Scene();
    const port = await scene.server((_, response) => response.end("reached"));
    scene.decide = () => new Promise(() => undefined);
    const request = `GET / HTTP/1.1\r\nHost: api.test\r\nA: ${"x".repeat(20_000)}\r\n\r\n`;
    const stream = scene.connect("api.test", 80, port);
    expect(await exchangeRaw(stream, request.repeat(20))).toBe("");
    expect(stream.destroyed).toBe(true);
  });
});

describe("showAnswer()", () => {
  test("passes nothing of the host's body where a hook gave an answer without one", async () => {
    const stream = Readable.from([Buffer.from("first"), Buffer.from("second")], { objectMode: false });
    const headers = [["content-type", "text/plain"]] as const;
    const shown = await showAnswer({ status: 200, headers, body: { stream, trailers: () => [] } }, async (make) => {
      await make().body?.getReader().read();
      return { allowed: true, answer: { response: new Response(null, { status: 204 }), isChanged: true } };
    });
    if ("error" in shown) return expect.unreachable(shown.reason);
    const chunks: unknown[] = [];
    for await (const chunk of shown.body.stream) chunks.push(chunk);
    expect([shown.status, chunks]).toEqual([204, []]);
    await new Promise(setImmediate);
    expect(stream.destroyed).toBe(true);
  });
});
