/**
 * Joins this process's terminal, or its pipes, to a program that another process owns.
 *
 * @module
 */
import { once } from "node:events";
import { terminalSize } from "../terminal-size.ts";
import { resultOf } from "./client.ts";
import type { DetachKeys } from "./detach-keys.ts";
import type { JsonLines, Message } from "./json-lines.ts";

/** What a bridge is made from. */
export interface BridgeOptions {
  /** Keys go to the program as they are, and it follows this terminal's size. */
  readonly terminal: boolean;
  /** Absent: nothing leaves it. */
  readonly keys?: DetachKeys;
}

/** The longest piece of input in one line, in bytes. */
const PIECE_MAX = 65_536;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Carries input and output. The result of the call; undefined: the keys that leave it were typed. */
export async function bridge(peer: JsonLines, { terminal, keys }: BridgeOptions): Promise<Message | undefined> {
  const { stdin, stdout } = process;
  let isDetached = false;
  const leave = () => {
    isDetached = true;
    peer.destroy();
  };
  const onData = async (typed: Buffer) => {
    const { bytes, detached } = keys?.take(typed) ?? { bytes: typed, detached: false };
    stdin.pause();
    for (let at = 0; at < bytes.length; at += PIECE_MAX) {
      await peer.send({ input: bytes.subarray(at, at + PIECE_MAX).toString("base64") });
    }
    if (detached) leave();
    else stdin.resume();
  };
  const data = (typed: Buffer) => void onData(typed);
  const end = () => void peer.send({ end: true });
  const resize = () => void peer.send({ resize: terminalSize() });
  const signalled = (signal: string) => void peer.send({ signal });
  stdin.on("data", data).once("end", end).once("error", end);
  if (terminal) {
    stdin.setRawMode(true);
    stdout.on("resize", resize);
  } else for (const signal of SIGNALS) process.on(signal, signalled);
  try {
    return await show(peer, () => isDetached);
  } finally {
    stdin.off("data", data).off("end", end).off("error", end).pause();
    stdout.off("resize", resize);
    for (const signal of SIGNALS) process.off(signal, signalled);
    if (terminal) stdin.setRawMode(false);
    peer.destroy();
  }
}

async function show(peer: JsonLines, isDetached: () => boolean): Promise<Message | undefined> {
  for (;;) {
    const message = await peer.next();
    if (isDetached()) return undefined;
    if (message === undefined) throw new Error("The process that owns the sandbox has gone");
    const { stdout, stderr } = message;
    if (typeof stdout === "string") await write(process.stdout, stdout);
    else if (typeof stderr === "string") await write(process.stderr, stderr);
    else return resultOf(message);
  }
}

async function write(stream: NodeJS.WriteStream, data: string): Promise<void> {
  if (stream.write(Buffer.from(data, "base64"))) return;
  await Promise.race([once(stream, "drain"), once(stream, "close")]).catch(() => undefined);
}
