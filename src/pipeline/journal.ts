/**
 * The journal of a run: a file of JSON lines, each sealed with the hash of the one before it and on the disk before the run
 * goes on.
 *
 * @module
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { MAX_LINE_BYTES, parseLine, sealLine } from "../audit/line.ts";
import { SandboxError } from "../errors.ts";
import type { PipelineEvent } from "./journal-types.ts";
import { syncFolder } from "./store.ts";

const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const FLAGS = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
/** Some 100,000 steps. */
const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Hears of each step when it is on the disk. */
export type JournalListener = (event: PipelineEvent) => void;

/** A journal that is open. */
export class Journal {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #events: PipelineEvent[];
  readonly #onEvent: JournalListener | undefined;
  #previous: string | null;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, path: string, read: ReadJournal, onEvent: JournalListener | undefined) {
    this.#file = file;
    this.#path = path;
    this.#events = read.events;
    this.#previous = read.head;
    this.#onEvent = onEvent;
  }

  /** Makes a new one. */
  static async create(path: string, onEvent?: JournalListener): Promise<Journal> {
    const file = await open(path, FLAGS | O_CREAT | O_EXCL, 0o600);
    await syncFolder(dirname(path));
    return new Journal(file, path, { events: [], head: null, bytes: 0 }, onEvent);
  }

  /**
   * Opens one. A last line without an end was torn by a crash: nothing followed from it, and it is cut off.
   *
   * @throws {SandboxError} RUN_UNUSABLE If any other line is not as it was written.
   */
  static async open(path: string, onEvent?: JournalListener): Promise<Journal> {
    const file = await open(path, FLAGS).catch((cause: NodeJS.ErrnoException) => {
      throw unusable(path, cause.code === "ENOENT" ? "it has no journal" : `its journal: ${cause.code}`, cause);
    });
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > JOURNAL_BYTES_MAX) throw unusable(path, "its journal is no journal");
      const bytes = Buffer.alloc(stats.size);
      const { bytesRead } = await file.read(bytes, 0, stats.size, 0);
      const read = readJournal(bytes.subarray(0, bytesRead), path);
      if (read.bytes < stats.size) {
        await file.truncate(read.bytes);
        await file.sync();
      }
      return new Journal(file, path, read, onEvent);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Everything so far. */
  get events(): readonly PipelineEvent[] {
    return this.#events;
  }

  /** The hash of the last line. */
  get head(): string {
    return this.#previous ?? "";
  }

  /** Writes a step down; settles when it is on the disk. One after the other. */
  append(event: PipelineEvent): Promise<void> {
    const next = this.#last.then(() => this.#append(event));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file.close();
  }

  async #append(event: PipelineEvent): Promise<void> {
    const line = sealLine(event, this.#events.length, this.#previous);
    const bytes = Buffer.from(`${line.text}\n`);
    // What did not fit would have been shortened, and no step may be.
    if (bytes.length > MAX_LINE_BYTES / 2) throw unusable(this.#path, "a step of it is too long");
    for (let done = 0; done < bytes.length; ) done += (await this.#file.write(bytes, done)).bytesWritten;
    await this.#file.datasync();
    this.#previous = line.hash;
    this.#events.push(event);
    try {
      this.#onEvent?.(event);
    } catch {
      // Who only hears of it must not end the run.
    }
  }
}

interface ReadJournal {
  readonly events: PipelineEvent[];
  readonly head: string | null;
  /** Up to the end of the last line that is whole. */
  readonly bytes: number;
}

function readJournal(bytes: Buffer, path: string): ReadJournal {
  const events: PipelineEvent[] = [];
  let previous: string | null = null;
  let at = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
    const line = parseLine(bytes.subarray(at, end).toString());
    const place = `line ${events.length + 1} of its journal`;
    if (typeof line === "string") throw unusable(path, `${place}: ${line}`);
    if (line.index !== events.length || line.previous !== previous) {
      throw unusable(path, `${place} does not follow the one before: lines were removed, moved or put in`);
    }
    const { index: _, previous: __, hash: ___, ...event } = line.fields;
    // Its hash says that it is as this library wrote it.
    events.push(event as unknown as PipelineEvent);
    previous = line.hash;
    at = end + 1;
  }
  return { events, head: previous, bytes: at };
}

function unusable(path: string, reason: string, cause?: unknown): SandboxError<"RUN_UNUSABLE"> {
  const run = dirname(path);
  return new SandboxError("RUN_UNUSABLE", `Cannot use the run in "${run}": ${reason}`, {
    details: { run, reason },
    hint: "Keep the folder as evidence, and start a new run",
    ...(cause === undefined ? {} : { cause }),
  });
}
