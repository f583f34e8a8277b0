/**
 * Messages of one side of a WebSocket, put together from their frames.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { type Frame, FrameProblem, FrameReader, MESSAGE_MAX, OPCODES } from "./frames.ts";

/** What a side says. */
export type SocketEvent =
  | { readonly kind: "text"; readonly text: string; readonly bytes: Buffer }
  | { readonly kind: "binary"; readonly bytes: Buffer }
  | { readonly kind: "ping"; readonly bytes: Buffer }
  | { readonly kind: "pong"; readonly bytes: Buffer }
  | { readonly kind: "close"; readonly bytes: Buffer };

/**
 * Reads a side until it ends; as fast as somebody asks. Throws a {@link FrameProblem} where it breaks the protocol, or where
 * too much waits to be whole.
 *
 * @param hold Whether so many bytes may be held.
 */
export async function* readMessages(
  stream: Duplex,
  isMasked: boolean,
  hold: (bytes: number) => boolean = () => true,
): AsyncGenerator<SocketEvent> {
  const frames = new FrameReader(isMasked);
  const parts = new Parts();
  for (let chunk = await read(stream); chunk !== undefined; chunk = await read(stream)) {
    frames.push(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const event = frame.opcode >= OPCODES.close ? control(frame) : parts.take(frame);
      if (event !== undefined) yield event;
    }
    if (!hold(frames.length + parts.length)) throw new FrameProblem(1013, "too many messages wait to be whole");
  }
}

function control({ opcode, payload }: Frame): SocketEvent {
  if (opcode === OPCODES.close) return { kind: "close", bytes: payload };
  return { kind: opcode === OPCODES.ping ? "ping" : "pong", bytes: payload };
}

/** The most frames of a message: each costs more than its bytes. */
const FRAMES_MAX = 16_384;

/** The frames of a message that is not whole. */
class Parts {
  #kind: "text" | "binary" | undefined;
  #payloads: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  take({ isFinal, opcode, payload }: Frame): SocketEvent | undefined {
    const begins = opcode !== OPCODES.continuation;
    if (begins === (this.#kind !== undefined)) {
      throw new FrameProblem(1002, begins ? "a message begins inside another" : "a frame continues no message");
    }
    if (begins) this.#kind = opcode === OPCODES.text ? "text" : "binary";
    this.#payloads.push(payload);
    this.#length += payload.length;
    if (this.#length > MESSAGE_MAX || this.#payloads.length > FRAMES_MAX) {
      throw new FrameProblem(1009, `a message has more than ${MESSAGE_MAX} bytes, or ${FRAMES_MAX} frames`);
    }
    return isFinal ? this.#whole() : undefined;
  }

  #whole(): SocketEvent {
    const bytes = this.#payloads.length === 1 ? (this.#payloads[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#payloads);
    const isText = this.#kind === "text";
    this.#kind = undefined;
    this.#payloads = [];
    this.#length = 0;
    return isText ? { kind: "text", text: decode(bytes), bytes } : { kind: "binary", bytes };
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FrameProblem(1007, "a text is no UTF-8");
  }
}

/** The next bytes; undefined: there are none any more. An iterator of the stream would destroy it when it is left. */
async function read(stream: Duplex): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (stream.readableEnded || stream.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ENDINGS) stream.off(event, done);
        resolve();
      };
      for (const event of ENDINGS) stream.on(event, done);
    });
  }
}

const ENDINGS = ["readable", "end", "close", "error"] as const;
