/**
 * The workspace of a running sandbox as a review sees it: through the warden, which opens every folder by itself and follows no
 * link. The policy is not asked, for it is the host that looks: what a hook shows the agent in place of a file is no change.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import { violation } from "../link/codec.ts";
import { FLAGS } from "../link/protocol.ts";
import { WORKSPACE_PATH } from "../policy/core.ts";
import type { ScannedEntry, ScanOptions, Tree } from "../review/mod.ts";
import type { SandboxContext } from "./context.ts";
import { type FileRequest, type FileStream, openFileStream, takeOutput } from "./file-stream.ts";
import { feedInput } from "./input.ts";
import { ScanParser } from "./scan-records.ts";

/** {@link Tree} over the link. */
export class WardenTree implements Tree {
  readonly #context: SandboxContext;

  constructor(context: SandboxContext) {
    this.#context = context;
  }

  async *scan(root: string, { sinceMs, maxFileBytes, signal }: ScanOptions): AsyncGenerator<ScannedEntry[]> {
    const request: FileRequest = { operation: "scan", path: bytesOf(root), offset: sinceMs, length: maxFileBytes };
    const parser = new ScanParser(root);
    try {
      for await (const data of this.#output(request, signal)) yield this.#trusting(() => parser.add(data));
      this.#trusting(() => parser.end());
    } catch (error) {
      // It was removed, or a folder on the way to it was.
      if (!SandboxError.is(error, "FILE_MISSING")) throw error;
    }
  }

  read(path: string, maxBytes: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#output({ operation: "read", path: bytesOf(path), length: maxBytes + 1 }, signal);
  }

  async remove(path: string): Promise<void> {
    const { recursive, force } = FLAGS.file;
    try {
      await this.#run({ operation: "remove", path: bytesOf(path), flags: recursive | force });
    } catch (error) {
      if (!SandboxError.is(error, "FILE_MISSING")) throw error;
    }
  }

  async write(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#makeParents(path);
    const request = { operation: "write", path: bytesOf(path), flags: FLAGS.file.exclusive, mode } as const;
    const stream = await this.#open(request);
    await feedInput(stream.process, content, stream.done);
    await stream.done;
  }

  async link(path: string, target: Buffer): Promise<void> {
    await this.#makeParents(path);
    await this.#run({ operation: "symlink", path: bytesOf(path), target });
  }

  async #makeParents(path: string): Promise<void> {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = bytesOf(parts.slice(0, depth).join("/"));
      try {
        await this.#run({ operation: "mkdir", path: folder, mode: 0o755 });
      } catch (error) {
        // It is there, or it is one of those that lead to what is granted, where nothing can be made.
        if (!SandboxError.is(error, "FILE_FAILED") && !SandboxError.is(error, "FILE_DENIED")) throw error;
      }
    }
  }

  async *#output(request: FileRequest, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const stream = await this.#open(request, signal);
    let over = false;
    try {
      for (let data = await takeOutput(stream); data !== undefined; data = await takeOutput(stream)) yield data;
      over = true;
      await stream.done;
    } finally {
      if (!over) stream.process.kill();
    }
  }

  async #run(request: FileRequest): Promise<void> {
    await (await this.#open(request)).done;
  }

  #open(request: FileRequest, signal?: AbortSignal): Promise<FileStream> {
    const flags = (request.flags ?? 0) | FLAGS.file.review;
    return openFileStream(this.#context, { ...request, flags }, signal);
  }

  /** A malformed answer ends the link, as a malformed frame does. */
  #trusting<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const problem = SandboxError.is(error) ? error : violation(`an answer cannot be read: ${String(error)}`);
      this.#context.link.close(problem);
      throw problem;
    }
  }
}

/** A path of a review as the warden takes it. */
function bytesOf(path: string): Uint8Array {
  const absolute = path === "." || path === "" ? WORKSPACE_PATH : `${WORKSPACE_PATH}/${path}`;
  return Buffer.from(absolute, "latin1");
}
