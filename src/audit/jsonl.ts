/**
 * A log in a file of JSON lines.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { SandboxError } from "../errors.ts";
import type { AuditSink } from "./sink.ts";
import { readTail } from "./tail.ts";

/** A sink that appends to a file. */
export interface JsonlSink extends AuditSink {
  readonly path: string;
  /** Synchronizes the file with the disk and closes it. */
  close(): Promise<void>;
}

/** A last component that is a symlink is refused, and a FIFO does not make the call wait for a reader. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file for a log: a new one, or one whose last line a new chain can continue.
 *
 * Shape: one record a line, mode 0600 for a new file. Batches are written without waiting for the disk; closing does. The
 * file belongs to one writer: when it is not as long as this sink left it, because someone else wrote to it or cut it, the
 * next write fails. To write one file from many sandboxes of one process, share the log of `openAuditLog`.
 *
 * @throws {SandboxError} AUDIT_BROKEN If it does not end with a line of a log.
 * @throws {SandboxError} ARGUMENT_INVALID If it cannot be opened, is a symlink, or is no regular file.
 *
 * @example
 * ```ts
 * import { createAuditLog, openJsonlSink, verifyAuditLog } from "cofferdam";
 *
 * const log = createAuditLog({ sink: await openJsonlSink("audit.jsonl") });
 * const head = await log.close();
 * console.log(await verifyAuditLog("audit.jsonl", head === undefined ? {} : { head: head.hash }));
 * ```
 */
export async function openJsonlSink(path: string): Promise<JsonlSink> {
  const file = await open(path, FLAGS, 0o600).catch((cause: unknown) => {
    throw unusable(path, codeOf(cause) === "ELOOP" ? "it is a symlink" : codeOf(cause), cause);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw unusable(path, "it is no regular file");
    const previous = await readTail(file, stats.size);
    return new FileSink(path, file, stats.size, previous);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class FileSink implements JsonlSink {
  readonly path: string;
  readonly previous?: string;
  readonly #file: FileHandle;
  #size: number;

  constructor(path: string, file: FileHandle, size: number, previous: string | undefined) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    if (previous !== undefined) this.previous = previous;
  }

  async write(lines: readonly string[]): Promise<void> {
    const { size } = await this.#file.stat();
    if (size !== this.#size) {
      throw new Error(`${this.path} has ${size} bytes instead of ${this.#size}: someone else writes to it, or cut it`);
    }
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    let written = 0;
    try {
      while (written < bytes.length) {
        written += (await this.#file.write(bytes, written, bytes.length - written)).bytesWritten;
      }
    } catch (error) {
      await this.#takeBack(bytes);
      throw error;
    }
    this.#size += written;
  }

  async close(): Promise<void> {
    try {
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  /**
   * Removes a batch of which only a part fitted on the disk, so that the log stays one that can be continued. How much that is
   * the file tells: Deno says nothing of what it wrote before it failed.
   */
  async #takeBack(batch: Buffer): Promise<void> {
    try {
      const added = (await this.#file.stat()).size - this.#size;
      if (added <= 0 || added > batch.length) return;
      const there = Buffer.alloc(added);
      const { bytesRead } = await this.#file.read(there, 0, added, this.#size);
      const isOurs = bytesRead === added && there.equals(batch.subarray(0, added));
      if (isOurs) await this.#file.truncate(this.#size);
    } catch {
      // The write's own error is the one to tell.
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function unusable(path: string, reason: string, cause?: unknown): SandboxError<"ARGUMENT_INVALID"> {
  return new SandboxError("ARGUMENT_INVALID", `Cannot write the audit log "${path}": ${reason}`, {
    details: { argument: "path", value: path },
    hint: "Name a file that this process can create, or a log that it may append to",
    ...(cause === undefined ? {} : { cause }),
  });
}
