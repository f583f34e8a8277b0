import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { dial } from "../../src/link/dial.ts";
import { CODES, INITIAL_CREDIT_BYTES } from "../../src/link/protocol.ts";
import type { FakeStream, FakeWardenScript } from "./fake-warden.ts";
import { ready, settle, settled } from "./support.ts";

const { connect: STAGE } = CODES.stage;
const [ECONNREFUSED, ECONNRESET] = [111, 104];

/** A link, and the connection on its stream 1. */
async function connected(script: FakeWardenScript = {}) {
  const both = await ready({ dial: (stream) => stream.connected(), ...script });
  const outcome = await dial(both.link, 8080);
  if ("errno" in outcome) throw new Error(`there is no connection: ${outcome.errno}`);
  const stream = both.warden.streams.get(1) as FakeStream;
  const errors: unknown[] = [];
  outcome.on("error", (error: { code?: string }) => errors.push(error.code));
  return { ...both, connection: outcome, stream, errors };
}

/** Reads to the end. Iterating would also destroy what is still written to. */
function readAll(connection: Duplex): Promise<string> {
  let text = "";
  connection.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  return new Promise((resolve) => connection.once("end", () => resolve(text)));
}

describe("dial", () => {
  test("names the port, and gives a connection or the errno", async () => {
    const { link, warden } = await ready({
      dial: (stream, { port }) => (port === 80 ? stream.connected() : stream.failed(STAGE, ECONNREFUSED)),
    });
    expect(await dial(link, 80)).toHaveProperty("writable", true);
    expect(await dial(link, 81)).toEqual({ errno: "ECONNREFUSED" });
    expect(warden.streams.size).toBe(1);
  });

  test("aborted before it connects, is killed, and what comes then is dropped", async () => {
    const { link, warden } = await ready({ dial: (stream) => (stream.onKill = () => undefined) });
    const abort = new AbortController();
    const dialing = dial(link, 80, abort.signal).catch((error: unknown) => error);
    await settle();
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await dialing).toBe(reason);
    const stream = warden.streams.get(1) as FakeStream;
    // It had connected before the kill arrived.
    stream.connected().data(1, "too late");
    await settle();
    expect(warden.all("kill").length).toBeGreaterThan(0);
    stream.gone();
    await settle();
    expect(link.error).toBeUndefined();
    expect(await dial(link, 80, AbortSignal.abort(reason)).catch((error: unknown) => error)).toBe(reason);
  });
});

describe("RelayStream", () => {
  test("reads what came, then the end; and ends its own half apart", async () => {
    const { connection, stream, link } = await connected();
    stream.data(1, "hello ");
    stream.data(1, "there");
    stream.end(1);
    expect(await readAll(connection)).toBe("hello there");
    connection.write("still");
    connection.end("here");
    await settle();
    expect(stream.input.toString()).toBe("stillhere");
    expect(stream.inputEnded).toBe(true);
    stream.gone();
    await settle();
    expect(connection.destroyed).toBe(true);
    expect(link.error).toBeUndefined();
  });

  test("lets no more come than was granted, and grants as its reader takes", async () => {
    const { connection, stream, warden } = await connected();
    const bytes = Buffer.alloc(3 * INITIAL_CREDIT_BYTES, "x");
    expect(stream.data(1, bytes)).toBe(INITIAL_CREDIT_BYTES);
    await settle();
    expect(warden.all("credit")).toHaveLength(0);
    let taken = 0;
    for (let piece = connection.read(); piece !== null; piece = connection.read()) taken += piece.length;
    connection.resume();
    await settle();
    expect(taken).toBeGreaterThan(0);
    expect(stream.credit[1]).toBeGreaterThanOrEqual(INITIAL_CREDIT_BYTES / 2);
  });

  test("sends no more than was granted", async () => {
    const { connection, stream } = await connected();
    stream.reads = false;
    connection.write(Buffer.alloc(2 * INITIAL_CREDIT_BYTES));
    await settle();
    expect(stream.input.length).toBe(INITIAL_CREDIT_BYTES);
    stream.grant(INITIAL_CREDIT_BYTES);
    await settle();
    expect(stream.input.length).toBe(2 * INITIAL_CREDIT_BYTES);
  });

  test("that breaks gives what came before, and then the error", async () => {
    const { connection, stream, errors } = await connected();
    stream.data(1, "before");
    await settle();
    stream.failed(STAGE, ECONNRESET);
    const pieces: string[] = [];
    connection.on("data", (piece: Buffer) => pieces.push(piece.toString()));
    await settle();
    expect(pieces).toEqual(["before"]);
    expect(errors).toEqual(["ECONNRESET"]);
  });

  test("destroyed before both halves have ended is killed; after that it is not", async () => {
    const first = await connected();
    first.connection.destroy();
    await settle();
    expect(first.warden.all("kill")).toHaveLength(1);
    expect(first.warden.streams.size).toBe(0);
    const second = await connected();
    second.stream.end(1);
    second.connection.resume().end();
    await settle();
    second.connection.destroy();
    await settle();
    expect(second.warden.all("kill")).toHaveLength(0);
  });

  test("ends with the link", async () => {
    const { connection, warden, errors, link } = await connected();
    warden.die();
    await link.closed;
    await settle();
    expect(connection.destroyed).toBe(true);
    expect(errors).toEqual(["LINK_LOST"]);
    await expect(dial(link, 80)).rejects.toMatchObject({ code: "LINK_LOST" });
  });

  const hostile: Readonly<Record<string, (stream: FakeStream) => void>> = {
    "connected twice": (stream) => stream.connected(),
    "a start": (stream) => stream.started(),
    "an exit": (stream) => stream.exited(),
    "data on a channel that is not there": (stream) => stream.data(2, "x"),
    "the end of a channel that is not there": (stream) => stream.end(2),
    "data after the end": (stream) => stream.end(1).data(1, "x"),
    "more than was granted": (stream) => {
      stream.credit[1] *= 2;
      stream.data(1, Buffer.alloc(2 * INITIAL_CREDIT_BYTES));
    },
    "a grant of what was not sent": (stream) => stream.grant(1),
    "gone before its end": (stream) => stream.gone(),
    "two failures": (stream) => {
      stream.warden.send("failed", { stage: STAGE, errno: 1 }, 1);
      stream.failed(STAGE, 1);
    },
  };
  for (const [what, act] of Object.entries(hostile)) {
    test(`closes the link on ${what}`, async () => {
      const { link, stream } = await connected();
      act(stream);
      expect(await settled(link.closed)).toBe(true);
      expect(link.error?.code).toBe("PROTOCOL_VIOLATION");
    });
  }
});
