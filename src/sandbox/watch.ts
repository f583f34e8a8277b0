/**
 * `sandbox.files.watch`: what changes in a folder of the sandbox.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { decodeFields, violation } from "../link/codec.ts";
import { CODES, FLAGS, MAX_TREE_PATH_BYTES, RECORDS } from "../link/protocol.ts";
import { pathBytes } from "./arguments.ts";
import type { SandboxContext } from "./context.ts";
import { type FileRequest, type FileStream, openFileStream, takeOutput } from "./file-stream.ts";
import { StreamReader } from "./stream-reader.ts";
import type { Text } from "./types.ts";
import type { ChangesLost, FileChange, FileWatch, WatchOptions } from "./watch-types.ts";

/** Watches of one sandbox: each is a process in it. The kernel gives a user 128 (inotify(7), max_user_instances). */
export const WATCHES_MAX = 16;

/** The longest record: numbers, and two paths with their lengths. */
const RECORD_BYTES_MAX = 64 + 2 * (MAX_TREE_PATH_BYTES + 1);

type Change = FileChange | ChangesLost;

/** Begins to watch; settles when every change from now on will be told. */
export async function watchFolder(context: SandboxContext, path: Text, options: WatchOptions): Promise<FileWatch> {
  const request: FileRequest = {
    operation: "watch",
    path: pathBytes("path", path),
    flags: options.recursive ? FLAGS.file.recursive : 0,
  };
  const leave = context.watches.tryTake();
  if (leave === undefined) throw tooMany(request.path);
  try {
    const stream = await openFileStream(context, request, options.signal);
    stream.done.then(leave, leave);
    const watch = new Watch(context, stream, options.signal);
    await watch.begin();
    return watch;
  } catch (error) {
    leave();
    throw error;
  }
}

class Watch implements FileWatch {
  readonly #context: SandboxContext;
  readonly #stream: FileStream;
  readonly #reader: StreamReader;
  readonly #signal: AbortSignal | undefined;
  #closing = false;

  constructor(context: SandboxContext, stream: FileStream, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#stream = stream;
    this.#signal = signal;
    this.#reader = new StreamReader(() => takeOutput(stream));
  }

  /** Waits for the word that it watches. */
  async begin(): Promise<void> {
    try {
      const first = await this.#reader.record(RECORD_BYTES_MAX);
      if (first === undefined) await this.#stream.done;
      if (first === undefined || decodeFields(RECORDS.change, first).kind !== CODES.change.ready) {
        throw violation("a watch does not begin with ready");
      }
    } catch (error) {
      throw this.#violated(error);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#stream.process.kill();
    await this.#stream.done.catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change> {
    try {
      for (let change = await this.#next(); change !== undefined; change = await this.#next()) yield change;
    } finally {
      await this.close();
    }
  }

  /** The next change; undefined when there will be none. */
  async #next(): Promise<Change | undefined> {
    try {
      const record = await this.#reader.record(RECORD_BYTES_MAX);
      if (record !== undefined) return toChange(record);
      await this.#stream.done;
      return undefined;
    } catch (error) {
      const ended = SandboxError.is(error, "SANDBOX_STOPPED") || (this.#closing && !this.#signal?.aborted);
      if (ended) return undefined;
      throw this.#violated(error);
    }
  }

  /** A malformed answer ends the link, as a malformed frame does. */
  #violated(error: unknown): unknown {
    // One that was cut off by an abort is not malformed.
    if (SandboxError.is(error, "PROTOCOL_VIOLATION") && !this.#signal?.aborted) this.#context.link.close(error);
    return error;
  }
}

function toChange(record: Buffer): Change {
  const { kind, directory, path, from } = decodeFields(RECORDS.change, record);
  const name = KINDS.get(kind);
  if (name === undefined) throw violation(`a change is of kind ${kind}`);
  if (name === "overflow") return { kind: name };
  const paths = { path: Buffer.from(path).toString(), pathBytes: Uint8Array.from(path), isDirectory: directory !== 0 };
  if (name !== "renamed") return { kind: name, ...paths };
  return { kind: name, ...paths, from: Buffer.from(from).toString(), fromBytes: Uint8Array.from(from) };
}

const KINDS: ReadonlyMap<number, Change["kind"]> = new Map(
  (["created", "modified", "deleted", "renamed", "overflow"] as const).map((kind) => [CODES.change[kind], kind]),
);

function tooMany(path: Uint8Array): SandboxError<"FILE_FAILED"> {
  const name = Buffer.from(path).toString();
  return new SandboxError("FILE_FAILED", `Cannot watch ${JSON.stringify(name)}: ${WATCHES_MAX} folders are watched`, {
    details: { operation: "watch", path: name, errno: "EMFILE" },
    hint: "Close another one, or watch a folder above them with recursive",
  });
}
