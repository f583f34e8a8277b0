/**
 * `sandbox.files`: the sandbox's files, under the same policy as the agent's own accesses.
 *
 * @module
 */
import { decodeFields, violation } from "../link/codec.ts";
import { CODES, FLAGS, RECORDS } from "../link/protocol.ts";
import { SandboxError } from "../errors.ts";
import { count, inputChunks, pathBytes } from "./arguments.ts";
import type { SandboxContext } from "./context.ts";
import { type FileRequest, type FileStream, openFileStream, takeOutput } from "./file-stream.ts";
import type { FileEntry, FileKind, InputData, Text } from "./types.ts";

/** What every operation takes. */
export interface FileOptions {
  /** Ends the operation. */
  readonly signal?: AbortSignal;
}

/** The options of reading a whole file. */
export interface ReadOptions extends FileOptions {
  /** The most that is read; a longer file is an error. @default 67108864 */
  readonly maxBytes?: number;
}

/** The options of reading a part as a stream, in bytes. */
export interface ReadStreamOptions extends FileOptions {
  /** @default 0 */
  readonly offset?: number;
  /** @default to the end */
  readonly length?: number;
}

/** The options of writing. */
export interface WriteOptions extends FileOptions {
  /** Writes behind what is there. @default false */
  readonly append?: boolean;
  /** Fails if the file exists. @default false */
  readonly exclusive?: boolean;
  /** Makes the folders above it. @default false */
  readonly createParents?: boolean;
  /** Permission bits of a new file. @default 0o644 */
  readonly mode?: number;
}

const READ_BYTES_MAX = 64 * 1024 * 1024;
const ENTRY_BYTES_MAX = 16_384;

/** The sandbox's files. Paths are absolute, or relative to the workspace; they are those of the sandbox. */
export class SandboxFiles {
  readonly #context: SandboxContext;

  /** @internal */
  constructor(context: SandboxContext) {
    this.#context = context;
  }

  /**
   * Reads a whole file.
   *
   * @throws {SandboxError} FILE_DENIED If the policy does not let the agent read it.
   * @throws {SandboxError} FILE_MISSING If it does not exist.
   * @throws {SandboxError} FILE_FAILED If it is longer than `maxBytes`, no regular file, or cannot be read.
   */
  async read(path: Text, options: ReadOptions = {}): Promise<Uint8Array> {
    const max = count("maxBytes", options.maxBytes ?? READ_BYTES_MAX, 0);
    const stream = await this.#open({ operation: "read", path: pathBytes("path", path), length: max + 1 }, options);
    const bytes = await collect(stream);
    if (bytes.length <= max) return bytes;
    const name = Buffer.from(pathBytes("path", path)).toString();
    throw new SandboxError("FILE_FAILED", `Cannot read ${JSON.stringify(name)} whole: it is longer than ${max} bytes`, {
      details: { operation: "read", path: name, errno: "EFBIG" },
      hint: "Raise maxBytes, or use readStream",
    });
  }

  /** Reads a whole file as UTF-8. Throws as {@link read} does. */
  async readText(path: Text, options: ReadOptions = {}): Promise<string> {
    return Buffer.from(await this.read(path, options)).toString();
  }

  /** Reads a file, or a part of it, as a stream. It fails as {@link read} does, when it is read. */
  readStream(path: Text, options: ReadStreamOptions = {}): ReadableStream<Uint8Array> {
    const { offset = 0, length } = options;
    const request: FileRequest = {
      operation: "read",
      path: pathBytes("path", path),
      offset: count("offset", offset, 0),
      ...(length === undefined ? {} : { length: count("length", length, 1) }),
    };
    let opened: Promise<FileStream> | undefined;
    const open = () => {
      opened ??= this.#open(request, options);
      return opened;
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const data = await takeOutput(await open());
          if (data === undefined) controller.close();
          else controller.enqueue(data);
        },
        cancel: async () => (await open()).process.kill(),
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Writes a file: replaces what is in it, unless told otherwise. Not atomic: a reader may see a part.
   *
   * @throws {SandboxError} FILE_DENIED If the policy does not let the agent write it.
   * @throws {SandboxError} FILE_MISSING If its folder does not exist.
   * @throws {SandboxError} FILE_FAILED If it cannot be written.
   */
  async write(path: Text, data: InputData, options: WriteOptions = {}): Promise<void> {
    const { append, exclusive, recursive } = FLAGS.file;
    const flags =
      (options.append ? append : 0) | (options.exclusive ? exclusive : 0) | (options.createParents ? recursive : 0);
    const request = { flags, mode: count("mode", options.mode ?? 0o644, 0) };
    const stream = await this.#open({ operation: "write", path: pathBytes("path", path), ...request }, options);
    try {
      for await (const chunk of inputChunks(data)) if (!(await stream.process.write(chunk))) break;
    } catch (error) {
      stream.process.kill();
      throw error;
    }
    stream.process.endInput();
    await stream.done;
  }

  /** What is in a folder, by the bytes of the names. Throws as {@link read} does. */
  async list(path: Text = ".", options: FileOptions = {}): Promise<FileEntry[]> {
    const bytes = await collect(await this.#open({ operation: "list", path: pathBytes("path", path) }, options));
    return parseEntries(bytes).sort((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
  }

  /** What a file is. Throws as {@link read} does; mind that a denied file may show itself to `stat`. */
  async stat(path: Text, options: FileOptions & { readonly followSymlinks?: boolean } = {}): Promise<FileEntry> {
    const flags = options.followSymlinks === false ? FLAGS.file.noFollow : 0;
    const stream = await this.#open({ operation: "stat", path: pathBytes("path", path), flags }, options);
    const [entry] = parseEntries(await collect(stream));
    if (entry === undefined) throw violation("stat answered nothing");
    return entry;
  }

  /** Whether something is there, a dangling symlink included. */
  async exists(path: Text, options: FileOptions = {}): Promise<boolean> {
    try {
      await this.stat(path, { ...options, followSymlinks: false });
      return true;
    } catch (error) {
      if (SandboxError.is(error, "FILE_MISSING")) return false;
      if (SandboxError.is(error, "FILE_FAILED") && error.details.errno === "ENOTDIR") return false;
      throw error;
    }
  }

  /** Removes a file or an empty folder; with `recursive` a whole tree, with `force` without error if nothing is there. */
  async remove(path: Text, options: FileOptions & { readonly recursive?: boolean; readonly force?: boolean } = {}): Promise<void> {
    const flags = (options.recursive ? FLAGS.file.recursive : 0) | (options.force ? FLAGS.file.force : 0);
    await this.#run({ operation: "remove", path: pathBytes("path", path), flags }, options);
  }

  /** Renames a file or folder, replacing what is there as rename(2) does. */
  async rename(from: Text, to: Text, options: FileOptions = {}): Promise<void> {
    await this.#run({ operation: "rename", path: pathBytes("from", from), target: pathBytes("to", to) }, options);
  }

  /** Makes a folder; with `recursive` those above it too, and without error if it is there. */
  async mkdir(path: Text, options: FileOptions & { readonly recursive?: boolean; readonly mode?: number } = {}): Promise<void> {
    const flags = options.recursive ? FLAGS.file.recursive : 0;
    await this.#run({ operation: "mkdir", path: pathBytes("path", path), flags, mode: options.mode ?? 0o755 }, options);
  }

  async #run(request: FileRequest, options: FileOptions): Promise<void> {
    await (await this.#open(request, options)).done;
  }

  #open(request: FileRequest, { signal }: FileOptions): Promise<FileStream> {
    return openFileStream(this.#context, request, signal);
  }
}

async function collect(stream: FileStream): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let data = await takeOutput(stream); data !== undefined; data = await takeOutput(stream)) pieces.push(data);
  await stream.done;
  return Buffer.concat(pieces);
}

const KINDS = new Map<number, FileKind>(Object.entries(CODES.kind).map(([name, code]) => [code, name as FileKind]));

function parseEntries(bytes: Buffer): FileEntry[] {
  const entries: FileEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 4) throw violation("a record has no length");
    const size = bytes.readUInt32LE(at);
    if (size > ENTRY_BYTES_MAX || size > bytes.length - at - 4) throw violation(`a record claims ${size} bytes`);
    entries.push(toEntry(bytes.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return entries;
}

function toEntry(record: Buffer): FileEntry {
  const entry = decodeFields(RECORDS.entry, record);
  const kind = KINDS.get(entry.kind);
  if (kind === undefined) throw violation(`a record is of kind ${entry.kind}`);
  return {
    name: Buffer.from(entry.name).toString(),
    nameBytes: Uint8Array.from(entry.name),
    kind,
    mode: entry.mode,
    uid: entry.uid,
    size: entry.size,
    mtimeMs: entry.mtimeSeconds * 1000 + entry.mtimeNanoseconds / 1e6,
    ...(kind === "symlink" ? { target: Buffer.from(entry.target).toString() } : {}),
  };
}
