/**
 * `sandbox.files`: the sandbox's files, under the same policy as the agent's own accesses.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { ByteQueue } from "../link/byte-queue.ts";
import { violation } from "../link/codec.ts";
import { FLAGS } from "../link/protocol.ts";
import { count, pathBytes } from "./arguments.ts";
import type { SandboxContext } from "./context.ts";
import type { FileOptions, ReadOptions, ReadStreamOptions, WriteOptions } from "./file-options.ts";
import { isPlainName, parseEntries, RECORD_BYTES_MAX } from "./file-records.ts";
import { type FileOperation, type FileRequest, type FileStream, openFileStream, takeOutput } from "./file-stream.ts";
import { checkInput, feedInput } from "./input.ts";
import { downloadTar, downloadTree } from "./trees/download.ts";
import type { DownloadOptions, DownloadTarOptions, TreeSource, TreeSummary, UploadOptions } from "./trees/types.ts";
import { uploadTree } from "./trees/upload.ts";
import type { FileEntry, InputData, Text } from "./types.ts";
import { watchFolder } from "./watch.ts";
import type { FileWatch, WatchOptions } from "./watch-types.ts";

const READ_BYTES_MAX = 64 * 1024 * 1024;
/** What fits into one array on every runtime. */
const READ_BYTES_LIMIT = 2 ** 31 - 2;
/** What fits into a string on every runtime, with room. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;
/** Some hundreds of thousands of entries. */
const LIST_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The sandbox's files: every operation is done inside, and refused where the agent's own would be.
 *
 * Shape: paths are those of the sandbox, absolute or relative to `/workspace`, as text or as bytes. Units: sizes, offsets
 * and lengths are bytes, modes are permission bits, times are milliseconds.
 *
 * @example
 * ```ts
 * import { createSandbox } from "cofferdam";
 *
 * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["./notes"] } });
 * await sandbox.files.write("notes/today.md", "# Today", { createParents: true });
 * console.log(await sandbox.files.readText("notes/today.md"));
 * ```
 */
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
    const max = count("maxBytes", options.maxBytes ?? READ_BYTES_MAX, 0, READ_BYTES_LIMIT);
    const bytes = pathBytes("path", path);
    const stream = await this.#open({ operation: "read", path: bytes, length: max + 1 }, options);
    return collect(stream, max, () => tooLong("read", bytes, max, "Raise maxBytes, or use readStream"));
  }

  /** Reads a whole file as UTF-8. Throws as {@link read} does. */
  async readText(path: Text, options: ReadOptions = {}): Promise<string> {
    const maxBytes = count("maxBytes", options.maxBytes ?? READ_BYTES_MAX, 0, TEXT_BYTES_MAX);
    return Buffer.from(await this.read(path, { ...options, maxBytes })).toString();
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
        // One that was never read was never opened.
        cancel: async () => (await opened?.catch(() => undefined))?.process.kill(),
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
    const request = { flags, mode: permissions(options.mode ?? 0o644) };
    checkInput("data", data);
    const stream = await this.#open({ operation: "write", path: pathBytes("path", path), ...request }, options);
    try {
      await feedInput(stream.process, data, stream.done);
    } catch (error) {
      // The data was at fault, unless the abort was.
      throw options.signal?.aborted ? await stream.done.catch((failure: unknown) => failure) : error;
    }
    await stream.done;
  }

  /** What is in a folder, by the bytes of the names. Throws as {@link read} does. */
  async list(path: Text = ".", options: FileOptions = {}): Promise<FileEntry[]> {
    const bytes = pathBytes("path", path);
    const stream = await this.#open({ operation: "list", path: bytes }, options);
    const hint = "List its parts with a program, for instance find, and read its output as a stream";
    const answer = await collect(stream, LIST_BYTES_MAX, () => tooLong("list", bytes, LIST_BYTES_MAX, hint));
    const entries = this.#trusting(() => {
      const parsed = parseEntries(answer);
      if (!parsed.every((entry) => isPlainName(entry.nameBytes)))
        throw violation("a folder has an entry with a path for a name");
      return parsed;
    });
    return entries.sort((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
  }

  /** What a file is. Throws as {@link read} does; mind that a denied file may show itself to `stat`. */
  async stat(path: Text, options: FileOptions & { readonly followSymlinks?: boolean } = {}): Promise<FileEntry> {
    const flags = options.followSymlinks === false ? FLAGS.file.noFollow : 0;
    const stream = await this.#open({ operation: "stat", path: pathBytes("path", path), flags }, options);
    const answer = await collect(stream, RECORD_BYTES_MAX, () => violation("stat answered too much"));
    return this.#trusting(() => {
      const [entry, ...others] = parseEntries(answer);
      if (entry === undefined || others.length > 0) throw violation(`stat answered ${others.length} records too many`);
      return entry;
    });
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
  async remove(
    path: Text,
    options: FileOptions & { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    const flags = (options.recursive ? FLAGS.file.recursive : 0) | (options.force ? FLAGS.file.force : 0);
    await this.#run({ operation: "remove", path: pathBytes("path", path), flags }, options);
  }

  /** Renames a file or folder, replacing what is there as rename(2) does. */
  async rename(from: Text, to: Text, options: FileOptions = {}): Promise<void> {
    await this.#run({ operation: "rename", path: pathBytes("from", from), target: pathBytes("to", to) }, options);
  }

  /** Makes a folder; with `recursive` those above it too, and without error if it is there. */
  async mkdir(
    path: Text,
    options: FileOptions & { readonly recursive?: boolean; readonly mode?: number } = {},
  ): Promise<void> {
    const flags = options.recursive ? FLAGS.file.recursive : 0;
    await this.#run(
      { operation: "mkdir", path: pathBytes("path", path), flags, mode: permissions(options.mode ?? 0o755) },
      options,
    );
  }

  /**
   * Copies a tree into the sandbox: a folder of the host, a tar archive, or entries. The folder `path`, and those above it,
   * are made where they are missing.
   *
   * Shape: modes are kept without set-id bits, times are kept, and links stay links: none is followed, on either side. What
   * is in the way is replaced, folders excepted. Not atomic: what was made before a failure stays. Bounded memory.
   *
   * @throws {SandboxError} FILE_DENIED If the policy does not let the agent make something of it; `details.path` says what.
   * @throws {SandboxError} FILE_FAILED If it is larger than the options say, or something cannot be made or read.
   * @throws {SandboxError} ARGUMENT_INVALID If an entry leads elsewhere, or is of a kind that cannot be made.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * const entries = [{ path: "bin/run.sh", content: "echo ran", mode: 0o755 }, { path: "latest", kind: "symlink", target: "bin" }] as const;
   * console.log((await sandbox.files.upload(entries, "tools")).files);
   * ```
   */
  upload(source: TreeSource, path: Text, options: UploadOptions = {}): Promise<TreeSummary> {
    return uploadTree(this.#context, source, path, options);
  }

  /**
   * Copies a tree of the sandbox to a folder of the host, which must be new or empty unless `overwrite` is set.
   *
   * Shape: what the agent made is hostile. Nothing is made outside of the folder, no link is followed, modes lose set-id
   * bits; links keep what they say, so look before you follow one. What the policy keeps from the agent, FIFOs, sockets and
   * devices are passed over: `onSkip` and `skipped` tell. Not atomic: what was made before a failure stays.
   *
   * @throws {SandboxError} FILE_DENIED If the policy does not let the agent read the folder itself.
   * @throws {SandboxError} FILE_MISSING If it does not exist.
   * @throws {SandboxError} FILE_FAILED If it is larger than the options say, or something cannot be made on the host.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["./out"] } });
   * await sandbox.exec(["sh", "-c", "echo made > out/report.txt"]);
   * await sandbox.files.download("out", "./build-output", { overwrite: true, onSkip: (skipped) => console.warn(skipped) });
   * ```
   */
  download(path: Text, hostPath: string, options: DownloadOptions = {}): Promise<TreeSummary> {
    return downloadTree(this.#context, path, hostPath, options);
  }

  /**
   * The same as a tar archive (POSIX, with pax records), made as it is read. It fails as {@link download} does. Whoever
   * unpacks it meets what the agent made: links that lead anywhere, any name.
   */
  downloadTar(path: Text, options: DownloadTarOptions = {}): ReadableStream<Uint8Array> {
    const pieces = downloadTar(this.#context, path, options);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await pieces.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await pieces.return(undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /**
   * Watches a folder; settles when every change from now on will be told, whoever makes it.
   *
   * Shape: an iterable of changes, with paths below the folder. It ends with the sandbox, with its scope or by leaving the
   * loop. Who reads too slowly gets an `overflow` for what was lost. Folders that the agent may not read are not watched.
   * At most 16 watches at a time, of 8192 folders each.
   *
   * @throws {SandboxError} FILE_DENIED If the policy does not let the agent read the folder.
   * @throws {SandboxError} FILE_MISSING If it does not exist.
   * @throws {SandboxError} FILE_FAILED If it is no folder, or too much is watched.
   * @throws {SandboxError} ABORTED If `options.signal` is aborted, from here or from the iteration.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * await using changes = await sandbox.files.watch(".", { recursive: true });
   * await sandbox.exec(["sh", "-c", "mkdir notes && echo done > notes/today.md"]);
   * for await (const change of changes) {
   *   console.log(change.kind, change.kind === "overflow" ? "" : change.path);
   *   if (change.kind === "modified") break;
   * }
   * ```
   */
  watch(path: Text, options: WatchOptions = {}): Promise<FileWatch> {
    return watchFolder(this.#context, path, options);
  }

  async #run(request: FileRequest, options: FileOptions): Promise<void> {
    await (await this.#open(request, options)).done;
  }

  /** A malformed answer ends the link, as a malformed frame does. */
  #trusting<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (SandboxError.is(error, "PROTOCOL_VIOLATION")) this.#context.link.close(error);
      throw error;
    }
  }

  #open(request: FileRequest, { signal }: FileOptions): Promise<FileStream> {
    return openFileStream(this.#context, request, signal);
  }
}

/** Reads all of an answer; one past `max` bytes ends the operation, and is an error. */
async function collect(stream: FileStream, max: number, tooLong: () => SandboxError): Promise<Uint8Array> {
  const bytes = new ByteQueue();
  for (let data = await takeOutput(stream); data !== undefined; data = await takeOutput(stream)) {
    bytes.push(data);
    if (bytes.size <= max) continue;
    stream.process.kill();
    throw tooLong();
  }
  await stream.done;
  return bytes.take();
}

function permissions(mode: number): number {
  return count("mode", mode, 0, 0o777);
}

function tooLong(operation: FileOperation, path: Uint8Array, max: number, hint: string): SandboxError<"FILE_FAILED"> {
  const name = Buffer.from(path).toString();
  const message = `Cannot ${operation} ${JSON.stringify(name)} in the sandbox: it is longer than ${max} bytes`;
  return new SandboxError("FILE_FAILED", message, { details: { operation, path: name, errno: "EFBIG" }, hint });
}
