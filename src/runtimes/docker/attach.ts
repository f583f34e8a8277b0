/**
 * The link to a container: its stdin and stdout, through the engine.
 *
 * @module
 */
import { Duplex, type Readable, type Writable } from "node:stream";
import type Docker from "dockerode";
import { demultiplex } from "./demultiplex.ts";

/** An attached container. */
export interface Attachment {
  readonly input: Readable;
  readonly output: Writable;
  /** The end of what the container wrote to its error output. */
  diagnostics(): string;
  /** Settles when the link has ended. */
  readonly closed: Promise<void>;
  close(): void;
}

const DIAGNOSTICS_BYTES = 8 * 1024;

/** Attaches to a container that is not started yet, so that nothing of it is missed. */
export async function attach(container: Docker.Container): Promise<Attachment> {
  const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
  const socket = await container.attach(options);
  if (!(socket instanceof Duplex)) throw new Error("dockerode gave no duplex stream");
  // On TCP every decision would wait for the one before it to be acknowledged.
  if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
  let tail = Buffer.alloc(0);
  const input = demultiplex(socket, (data) => {
    tail = Buffer.concat([tail, data]).subarray(-DIAGNOSTICS_BYTES);
  });
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
    // The container closed its side, or never will again: there is nothing to say to it either.
    input.once("end", () => resolve());
    input.once("close", () => resolve());
  });
  return {
    input,
    output: socket,
    diagnostics: () => tail.toString(),
    closed,
    close: () => socket.destroy(),
  };
}
