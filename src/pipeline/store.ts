/**
 * What a run keeps, by the digest of its content: written once, and verified every time it is read.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SandboxError } from "../errors.ts";
import { canonicalJson } from "../policy/digest.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const EXISTING = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
const CHUNK_BYTES = 256 * 1024;
/** Of lists and facts: some 100,000 files. */
const JSON_BYTES_MAX = 64 * 1024 * 1024;

/** Something that was stored. */
export interface Stored {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly size: number;
}

/** The objects of one run. */
export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Stores a content, and sees to it that it outlasts a crash if `durable` says so. */
  async put(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, durable = true): Promise<Stored> {
    const temporary = join(this.#folder, `new-${randomBytes(9).toString("hex")}`);
    const file = await open(temporary, NEW_FILE, 0o400);
    try {
      const hash = createHash("sha256");
      let size = 0;
      for await (const chunk of content) {
        hash.update(chunk);
        size += chunk.length;
        await writeAll(file, chunk);
      }
      if (durable) await file.datasync();
      const sha256 = hash.digest("hex");
      await mkdir(join(this.#folder, sha256.slice(0, 2)), { recursive: true, mode: 0o700 });
      // What was there by that name had the same content, or was changed: either way it is replaced.
      await rename(temporary, this.#path(sha256));
      if (durable) await syncFolder(join(this.#folder, sha256.slice(0, 2)));
      return { sha256, size };
    } finally {
      await file.close();
      await rm(temporary, { force: true });
    }
  }

  /** Stores data as JSON with sorted keys, so that the same data has the same digest. */
  async putJson(value: unknown): Promise<string> {
    return `sha256:${(await this.put([Buffer.from(canonicalJson(value))])).sha256}`;
  }

  /**
   * The content of an object, piece by piece. Nothing of it counts before the last piece has come: then it was verified.
   *
   * @throws {SandboxError} ARTIFACT_CHANGED If it is not what was stored.
   */
  async *read({ sha256, size }: Stored): AsyncGenerator<Buffer> {
    const file = await open(this.#path(sha256), EXISTING).catch((cause: NodeJS.ErrnoException) => {
      throw changed(sha256, cause.code === "ELOOP" ? "it is a symlink" : `it cannot be opened (${cause.code})`, cause);
    });
    try {
      await requirePlain(file, { sha256, size });
      const hash = createHash("sha256");
      let left = size;
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
        if (bytesRead === 0) break;
        left -= bytesRead;
        if (left < 0) throw changed(sha256, "it is longer");
        hash.update(buffer.subarray(0, bytesRead));
        yield buffer.subarray(0, bytesRead);
      }
      if (hash.digest("hex") !== sha256) throw changed(sha256, "its content is another one");
    } finally {
      await file.close();
    }
  }

  /** A whole object. Throws as {@link read} does. */
  async bytes(stored: Stored): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(stored)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Data that was stored as JSON. Throws as {@link read} does. */
  async json(digest: string): Promise<unknown> {
    const sha256 = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (sha256 === undefined) throw changed(digest, "that is no digest");
    const size = await this.#sizeOf(sha256);
    return JSON.parse((await this.bytes({ sha256, size })).toString());
  }

  /** Copies an object to a new file. */
  async copyTo(stored: Stored, path: string, mode: number): Promise<void> {
    const file = await open(path, NEW_FILE, 0o600);
    try {
      for await (const chunk of this.read(stored)) await writeAll(file, chunk);
      await file.chmod(mode);
    } finally {
      await file.close();
    }
  }

  async #sizeOf(sha256: string): Promise<number> {
    const file = await open(this.#path(sha256), EXISTING).catch((cause: NodeJS.ErrnoException) => {
      throw changed(sha256, `it cannot be opened (${cause.code})`, cause);
    });
    try {
      const { size } = await file.stat();
      if (size > JSON_BYTES_MAX) throw changed(sha256, "it is too long");
      return size;
    } finally {
      await file.close();
    }
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256.slice(2));
  }
}

/** A second name would let somebody write to it through a place that nobody looks at. */
async function requirePlain(file: FileHandle, { sha256, size }: Stored): Promise<void> {
  const stats = await file.stat();
  if (!stats.isFile()) throw changed(sha256, "it is no regular file");
  // None at all: the same content was stored again meanwhile.
  if (stats.nlink > 1) throw changed(sha256, "it has a second name");
  if (stats.uid !== (process.geteuid?.() ?? stats.uid)) throw changed(sha256, "it belongs to another user");
  if (stats.size !== size) throw changed(sha256, `it has ${stats.size} bytes instead of ${size}`);
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await file.write(chunk, done, chunk.length - done)).bytesWritten;
  }
}

/** Makes what was done in a folder outlast a crash. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function changed(artifact: string, reason: string, cause?: unknown): SandboxError<"ARTIFACT_CHANGED"> {
  return new SandboxError("ARTIFACT_CHANGED", `Cannot use the stored artifact ${artifact}: ${reason}`, {
    details: { artifact, reason },
    hint: "Somebody changed the run's folder. Start a new run",
    ...(cause === undefined ? {} : { cause }),
  });
}
