import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import type { MessageDecision, MessageJudge, RawMessage } from "../../src/egress/http/connection.ts";
import { closePayload, OPCODES, writeFrame } from "../../src/egress/websocket/frames.ts";
import { Scene } from "./support.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const HANDSHAKE = `GET /chat HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`;

/** All bytes that come, until the connection ends or holds something. */
class Ear {
  bytes: Buffer = Buffer.alloc(0);
  total = 0;
  ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Duplex) {
    const wake = () => this.#wake?.();
    stream.on("data", (chunk: Buffer) => {
      this.total += chunk.length;
      // The beginning is enough to look at.
      if (this.bytes.length < 65_536) this.bytes = Buffer.concat([this.bytes, chunk]);
      wake();
    });
    for (const event of ["end", "close", "error"]) {
      stream.on(event, () => {
        this.ended = true;
        wake();
      });
    }
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

interface Talk {
  readonly program: Duplex;
  readonly heard: Ear;
  readonly host: Duplex;
  readonly hostHeard: Ear;
  readonly judged: RawMessage[];
  readonly broken: string[];
}

/** Both ends of a WebSocket whose messages are judged, after the handshake. */
async function open(scene: Scene, decide: (raw: RawMessage) => MessageDecision, extra = ""): Promise<Talk> {
  const judged: RawMessage[] = [];
  const broken: string[] = [];
  const judge: MessageJudge = {
    speaksRpc: false,
    judge: (_, raw) => {
      judged.push(raw);
      return decide(raw);
    },
    knowsTool: () => true,
    broken: (direction, reason) => broken.push(`${direction} ${reason}`),
  };
  scene.looks = { messages: () => judge };
  let connected: ((socket: Duplex) => void) | undefined;
  const host = new Promise<Duplex>((resolve) => {
    connected = resolve;
  });
  const port = await scene.rawServer((socket) => {
    socket.once("data", (head: Buffer) => {
      expect(head.toString().toLowerCase()).not.toContain("extensions");
      const accept = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${extra}Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      connected?.(socket);
    });
  });
  const program = scene.connect("api.test", 80, port);
  const heard = new Ear(program);
  program.write(HANDSHAKE);
  await heard.until(() => heard.bytes.includes("\r\n\r\n"));
  const head = heard.bytes.subarray(0, heard.bytes.indexOf("\r\n\r\n") + 4).toString();
  expect(head).toContain(extra === "" ? "101" : "502");
  heard.bytes = heard.bytes.subarray(head.length);
  const socket = await host;
  return { program, heard, host: socket, hostHeard: new Ear(socket), judged, broken };
}

const allow = (): MessageDecision => ({ allowed: true });
const fromProgram = (text: string, opcode: number = OPCODES.text) => writeFrame(opcode, Buffer.from(text), true);
const fromHost = (text: string, opcode: number = OPCODES.text) => writeFrame(opcode, Buffer.from(text), false);
const close = (code: number, isMasked: boolean) => writeFrame(OPCODES.close, closePayload(code), isMasked);

/** The masked frame of a short message, unmasked. */
function unmask(frame: Buffer): string {
  const length = (frame[1] ?? 0) & 0x7f;
  const key = frame.subarray(2, 6);
  return Buffer.from(frame.subarray(6, 6 + length).map((byte, at) => byte ^ (key[at & 3] ?? 0))).toString();
}

describe("a WebSocket whose messages are judged", () => {
  test("passes on what was judged: whole, masked towards the host and not towards the program", async () => {
    await using scene = new Scene();
    const talk = await open(scene, allow);
    const first = fromProgram("he");
    first[0] = 0x01;
    talk.program.write(Buffer.concat([first, fromProgram("llo", OPCODES.continuation)]));
    await talk.hostHeard.until(() => talk.hostHeard.bytes.length >= 11);
    expect(talk.hostHeard.bytes.subarray(0, 2).toString("hex")).toBe("8185");
    expect(unmask(talk.hostHeard.bytes)).toBe("hello");
    talk.host.write(fromHost("hi"));
    await talk.heard.until(() => talk.heard.bytes.length >= 4);
    expect(talk.heard.bytes.toString("latin1")).toBe("\x81\x02hi");
    expect(talk.judged).toMatchObject([
      { direction: "to-host", kind: "text", data: "hello" },
      { direction: "from-host", kind: "text", data: "hi" },
    ]);
  });

  test("does not let a message out before it is whole and judged, and nothing after one that is denied", async () => {
    await using scene = new Scene();
    const talk = await open(scene, ({ data }) =>
      data === "bad" ? { allowed: false, reason: "no" } : { allowed: true },
    );
    const part = fromProgram("ba");
    part[0] = 0x01;
    talk.program.write(part);
    talk.program.write(
      Buffer.concat([fromProgram("d", OPCODES.continuation), fromProgram("after"), close(1000, true)]),
    );
    await talk.hostHeard.until(() => talk.hostHeard.bytes.length >= 8);
    // A close, and nothing else.
    expect(talk.hostHeard.bytes[0]).toBe(0x88);
    expect(talk.hostHeard.bytes.length).toBe(8);
    await talk.heard.until(() => talk.heard.bytes.length >= 6);
    expect(talk.heard.bytes.toString("latin1")).toBe("\x88\x04\x03\xf0no");
    expect(talk.judged).toHaveLength(1);
  });

  test.each<[string, Buffer, number]>([
    ["a frame without a mask", fromHost("x"), 1002],
    ["a compressed frame", Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002],
    ["a text that is no UTF-8", writeFrame(OPCODES.text, Buffer.from([0xff]), true), 1007],
    ["a length past all bounds", Buffer.from("82ffffffffffffffffff", "hex"), 1009],
    ["a close code that nobody may send", close(1006, true), 1002],
  ])("is closed by a program that sends %s", async (_, frame, code) => {
    await using scene = new Scene();
    const talk = await open(scene, allow);
    talk.program.write(frame);
    await talk.heard.until(() => talk.heard.bytes.length >= 4);
    expect([talk.heard.bytes[0], talk.heard.bytes.readUInt16BE(2)]).toEqual([0x88, code]);
    expect(talk.broken).toEqual([expect.stringMatching(/^to-host /)]);
    expect(talk.judged).toEqual([]);
  });

  test("is closed by a host that masks", async () => {
    await using scene = new Scene();
    const talk = await open(scene, allow);
    talk.host.write(fromProgram("x"));
    await talk.heard.until(() => talk.heard.bytes.length >= 4);
    expect([talk.heard.bytes[0], talk.heard.bytes.readUInt16BE(2)]).toEqual([0x88, 1011]);
    expect(talk.broken).toEqual([expect.stringMatching(/^from-host /)]);
  });

  test("answers pings itself, and keeps pongs and the words of a program's close", async () => {
    await using scene = new Scene();
    const talk = await open(scene, allow);
    talk.program.write(Buffer.concat([fromProgram("secret", OPCODES.ping), fromProgram("secret", OPCODES.pong)]));
    await talk.heard.until(() => talk.heard.bytes.length >= 8);
    expect(talk.heard.bytes.toString("latin1")).toBe("\x8a\x06secret");
    talk.program.write(writeFrame(OPCODES.close, closePayload(4000, "secret"), true));
    await talk.hostHeard.until(() => talk.hostHeard.bytes.length >= 8);
    expect(talk.hostHeard.bytes.length).toBe(8);
    expect(Buffer.from(unmask(talk.hostHeard.bytes), "latin1")).toBeDefined();
  });

  test("is refused where the host turns an extension on", async () => {
    await using scene = new Scene();
    const talk = await open(scene, allow, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    expect(talk.heard.bytes.toString()).toContain("extension");
  });

  test("ends on both sides where one side goes without a word", async () => {
    await using scene = new Scene();
    const one = await open(scene, allow);
    one.program.destroy();
    await one.hostHeard.until(() => one.hostHeard.bytes.length >= 8);
    expect(one.hostHeard.bytes[0]).toBe(0x88);
    await using other = new Scene();
    const two = await open(other, allow);
    two.host.destroy();
    await two.heard.until(() => two.heard.bytes.length >= 4);
    expect([two.heard.bytes[0], two.heard.bytes.readUInt16BE(2)]).toEqual([0x88, 1011]);
  });

  test("reads no faster than the other side takes", async () => {
    await using scene = new Scene();
    const talk = await open(scene, allow);
    talk.host.pause();
    const frame = writeFrame(OPCODES.binary, Buffer.alloc(1_000_000), true);
    let sent = 0;
    const more = () => {
      while (sent < 200) {
        sent++;
        if (!talk.program.write(frame)) {
          talk.program.once("drain", more);
          return;
        }
      }
    };
    more();
    await new Promise((resolve) => setTimeout(resolve, 500));
    // 200 MB were offered; buffers of the streams and of the loopback took some of them.
    expect(talk.judged.length).toBeLessThan(60);
    talk.host.resume();
    await talk.hostHeard.until(() => talk.hostHeard.total > 200_000_000);
    expect(talk.judged).toHaveLength(200);
  });
});
