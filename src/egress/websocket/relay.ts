/**
 * A WebSocket whose messages are judged, relayed message by message.
 *
 * Pings are answered here, and pongs end here: what they carry nobody has judged.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { MessageDirection } from "../../policy/core.ts";
import { type ContentBudget, Holding } from "../http/content.ts";
import { closeCode, closePayload, FrameProblem, OPCODES, writeFrame } from "./frames.ts";
import { readMessages, type SocketEvent } from "./messages.ts";

/** A message that is judged. */
export interface RelayedMessage {
  readonly direction: MessageDirection;
  readonly kind: "text" | "binary";
  readonly data: string | Buffer;
}

/** What becomes of one. */
export type RelayVerdict =
  | { readonly allowed: true; readonly replacement?: string | Uint8Array }
  | { readonly allowed: false; readonly reason: string };

/** Who judges them. */
export interface RelayJudge {
  /** It never rejects. */
  judge(message: RelayedMessage): RelayVerdict | Promise<RelayVerdict>;
  /** A side broke the protocol, and is cut off. */
  broken(direction: MessageDirection, reason: string): void;
}

/** How long a side may take to close, in milliseconds. */
const CLOSING_MS = 10_000;

/** Relays until both sides are over. It never rejects. */
export async function relayMessages(
  inside: Duplex,
  outside: Duplex,
  judge: RelayJudge,
  budget?: ContentBudget,
): Promise<void> {
  // To a program we are the server, to the host the client, which masks.
  const program = new Side(inside, false);
  const host = new Side(outside, true);
  const run = async (direction: MessageDirection, from: Side, to: Side): Promise<void> => {
    const held = new Holding(budget);
    try {
      await pump(direction, from, to, judge, held);
    } catch (error) {
      const { code, message } = error instanceof FrameProblem ? error : { code: 1011, message: "the relay failed" };
      judge.broken(direction, message);
      from.close(code, message);
      to.close(GONE[direction]);
    } finally {
      held.be(0);
    }
    from.finish();
  };
  await Promise.all([run("to-host", program, host), run("from-host", host, program)]);
  await Promise.all([program.over, host.over]);
}

/** What one side is told where the other has gone: RFC 6455 §7.4.1. */
const GONE: Readonly<Record<MessageDirection, number>> = { "to-host": 1001, "from-host": 1011 };

async function pump(
  direction: MessageDirection,
  from: Side,
  to: Side,
  judge: RelayJudge,
  held: Holding,
): Promise<void> {
  for await (const event of readMessages(from.stream, direction === "to-host", (bytes) => held.be(bytes))) {
    if (event.kind === "ping") {
      await from.send(OPCODES.pong, event.bytes);
    } else if (event.kind === "close") {
      const code = closeCode(event.bytes);
      // A host may say why; what a program says there nobody has judged.
      const reason = direction === "from-host" ? event.bytes.subarray(2).toString() : "";
      to.close(code, reason);
      from.close(code);
      return;
    } else if (event.kind !== "pong" && !from.isClosing && !(await pass(direction, event, from, to, judge))) {
      return;
    }
  }
  // It ended without saying so.
  to.close(GONE[direction]);
}

type Data = Extract<SocketEvent, { kind: "text" } | { kind: "binary" }>;

async function pass(
  direction: MessageDirection,
  event: Data,
  from: Side,
  to: Side,
  judge: RelayJudge,
): Promise<boolean> {
  const data = event.kind === "text" ? event.text : event.bytes;
  const verdict = await judge.judge({ direction, kind: event.kind, data });
  if (!verdict.allowed) {
    const program = direction === "to-host" ? from : to;
    for (const side of [from, to]) side.close(1008, side === program ? verdict.reason : "");
    return false;
  }
  const { replacement } = verdict;
  const bytes = replacement === undefined ? event.bytes : Buffer.from(replacement as Uint8Array);
  const isText = replacement === undefined ? event.kind === "text" : typeof replacement === "string";
  await to.send(isText ? OPCODES.text : OPCODES.binary, bytes);
  return true;
}

/** One end, to write to. */
class Side {
  readonly stream: Duplex;
  /** Settles when nothing comes or goes any more. */
  readonly over: Promise<void>;
  readonly #masks: boolean;
  #closing = false;

  constructor(stream: Duplex, masks: boolean) {
    this.stream = stream;
    this.#masks = masks;
    this.over = new Promise((resolve) => {
      if (stream.closed) resolve();
      else stream.once("close", () => resolve());
    });
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** As fast as the other side reads. What comes after the close is dropped. */
  async send(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#closing || !this.stream.writable) return;
    if (this.stream.write(writeFrame(opcode, payload, this.#masks))) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off("drain", done).off("close", done);
        resolve();
      };
      this.stream.once("drain", done).once("close", done);
    });
  }

  /** Says it once, and lets the other side answer. */
  close(code: number | undefined, reason: string = ""): void {
    const { stream } = this;
    if (this.#closing) return;
    this.#closing = true;
    const payload = code === undefined ? Buffer.alloc(0) : closePayload(code, reason);
    if (stream.writable) stream.write(writeFrame(OPCODES.close, payload, this.#masks));
    const late = setTimeout(() => stream.destroy(), CLOSING_MS);
    stream.once("close", () => clearTimeout(late));
  }

  /** Nothing more is read of it. */
  finish(): void {
    const { stream } = this;
    if (!this.#closing) this.close(1001);
    if (stream.writable) stream.end();
    // What still comes is of no use to anybody.
    stream.resume();
  }
}
