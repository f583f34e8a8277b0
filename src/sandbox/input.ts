/**
 * From a caller's data to a program's or a file's input.
 *
 * @module
 */
import type { LinkProcess } from "../link/process.ts";
import { invalid, kindOf } from "./arguments.ts";
import type { InputData } from "./types.ts";

/** Pieces, one after the other, until somebody has enough. */
interface Source {
  next(): Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  /** Lets go of the source, even while `next` waits. */
  cancel(): void;
}

/**
 * Sends all data, and then the end; or lets go of the data as soon as the process takes no more.
 *
 * @param stopped Settles, or rejects, when the process takes no more: data that never comes must not hold the caller.
 * @throws What the data throws. The process is killed then: half an input is no input.
 */
export async function feedInput(process: LinkProcess, data: InputData, stopped: Promise<unknown>): Promise<void> {
  let source: Source | undefined;
  let over = false;
  let leave: () => void = () => undefined;
  const stop = () => {
    over = true;
    leave();
  };
  // One reaction for all pieces, or those of a long input would pile up until the end of the process.
  stopped.then(stop, stop);
  try {
    const from = openSource(data);
    source = from;
    while (!over) {
      const piece = await new Promise<{ readonly done?: boolean; readonly value?: unknown }>((resolve, reject) => {
        leave = () => resolve({ done: true });
        from.next().then(resolve, reject);
      });
      if (piece.done || over) break;
      if (!(await process.write(pieceBytes(piece.value)))) over = true;
    }
  } catch (error) {
    process.kill();
    source?.cancel();
    throw error;
  }
  if (over) source.cancel();
  process.endInput();
}

/** Refuses what is no data, before anything is started for it. */
export function checkInput(argument: string, data: InputData): void {
  if (typeof data === "string" || data instanceof Uint8Array) return;
  if (typeof data === "object" && data !== null && (Symbol.asyncIterator in data || "getReader" in data)) return;
  throw invalid(
    argument,
    `Cannot use ${kindOf(data)} as ${argument}`,
    data,
    "Give a string, bytes, or a stream of bytes",
  );
}

function openSource(data: InputData): Source {
  if (typeof data === "string" || data instanceof Uint8Array) return readIterator([data][Symbol.iterator]());
  // A stream's own iterator cannot be left while it waits; its reader can.
  return "getReader" in data ? readStream(data) : readIterator(data[Symbol.asyncIterator]());
}

function readStream(stream: ReadableStream<Uint8Array>): Source {
  const reader = stream.getReader();
  return { next: () => reader.read(), cancel: () => void reader.cancel().catch(() => undefined) };
}

function readIterator(iterator: Iterator<unknown> | AsyncIterator<unknown>): Source {
  return {
    next: async () => iterator.next(),
    cancel: () => void Promise.resolve(iterator.return?.()).catch(() => undefined),
  };
}

/** A piece of data as bytes. */
export function pieceBytes(piece: unknown): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  throw invalid("stdin", `Cannot send ${kindOf(piece)} as input`, piece, "Give strings or Uint8Arrays");
}
