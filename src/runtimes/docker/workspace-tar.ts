/**
 * The granted part of a workspace as a tar stream.
 *
 * @module
 */
import { fstatSync, readSync } from "node:fs";
import { posix } from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { SandboxError } from "../../errors.ts";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import type { BaselineRecorder } from "../workspace/baseline.ts";
import { closeDirectory, openRoot } from "../workspace/directory.ts";
import { type Agent, ownershipOf } from "../workspace/ownership.ts";
import { accessAt, type EntryAccess, type Selected, select, type WorkspaceGrant } from "../workspace/select.ts";
import { type CopyReport, type WalkEntry, walk } from "../workspace/walk.ts";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar-header.ts";

/** What {@link workspaceTar} writes. */
export interface WorkspaceTarOptions {
  /** Undefined: an empty workspace. */
  readonly source: string | undefined;
  readonly grants: readonly WorkspaceGrant[];
  /** Directories to make that the source does not have, parents before children. */
  readonly missing: readonly string[];
  readonly agent: Agent;
  readonly report: CopyReport;
  /** Receives the links that the engine would refuse in this archive, instead of the archive. */
  readonly escaping: TarEntry[];
  /** Learns what was copied. */
  readonly baseline?: BaselineRecorder;
}

const CHUNK_BYTES = 512 * 1024;

/** The archive, made as it is read. */
export function workspaceTar(options: WorkspaceTarOptions): Readable {
  return Readable.from(explained(options), { objectMode: false, highWaterMark: CHUNK_BYTES });
}

/** An archive of entries without content. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarHeader), TAR_END]);
}

async function* explained(options: WorkspaceTarOptions): AsyncGenerator<Buffer> {
  try {
    yield* chunks(options);
  } catch (error) {
    if (SandboxError.is(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be copied: ${reason}`, {
      details: { path: options.source ?? WORKSPACE_PATH, reason },
      cause: error,
    });
  }
}

async function* chunks(options: WorkspaceTarOptions): AsyncGenerator<Buffer> {
  const batch = new Batch();
  const selected = select(options.grants);
  const add = function* (entry: TarEntry, fd?: number): Generator<Buffer> {
    yield* batch.add(tarHeader(entry));
    if (fd !== undefined) yield* addContent(batch, fd, entry.size, options.report);
  };
  for (const chunk of entries(options, selected, add)) {
    yield chunk;
    // The reading above is synchronous: everything else gets its turn here.
    await setImmediate();
  }
  yield* batch.add(TAR_END);
  yield batch.take();
}

type Add = (entry: TarEntry, fd?: number) => Generator<Buffer>;

function* entries(options: WorkspaceTarOptions, selected: Selected, add: Add): Generator<Buffer> {
  const { source, agent, missing, report, escaping, baseline } = options;
  if (source === undefined) yield* add(directoryEntry("", selected.access, agent));
  else {
    const root = openRoot(source);
    try {
      for (const found of walk(root, selected, report)) {
        const entry = tarEntryOf(found, agent);
        baseline?.add(found, entry.mode);
        if (found.kind === "symlink" && escapes(found.path, found.target)) escaping.push(entry);
        else yield* add(entry, found.kind === "file" ? found.fd : undefined);
      }
    } finally {
      closeDirectory(root);
    }
  }
  for (const relative of missing) {
    yield* add(directoryEntry(relative, accessAt(selected, relative) ?? "ancestor", agent));
  }
}

function tarEntryOf(found: WalkEntry, agent: Agent): TarEntry {
  const mtime = Math.floor(found.stats.mtimeMs / 1000);
  const ownership = ownershipOf(found.access, found.stats.mode, agent);
  const size = found.kind === "file" ? found.stats.size : 0;
  return {
    kind: found.kind,
    name: found.path,
    ...ownership,
    size,
    mtime,
    ...(found.kind === "symlink" ? { target: found.target } : {}),
  };
}

function directoryEntry(relative: string, access: EntryAccess, agent: Agent): TarEntry {
  const mtime = Math.floor(Date.now() / 1000);
  return { kind: "directory", name: Buffer.from(relative), ...ownershipOf(access, 0o755, agent), size: 0, mtime };
}

/** Whether a relative link leaves the workspace by its text. The engine refuses a whole archive for one such link. */
function escapes(path: Buffer, target: Buffer): boolean {
  // An absolute link is taken as it is. Latin-1 keeps `.`, `/` and every other byte apart.
  if (target[0] === 0x2f) return false;
  const end = posix.join("/w", posix.dirname(path.toString("latin1")), target.toString("latin1"));
  return end !== "/w" && !end.startsWith("/w/");
}

function* addContent(batch: Batch, fd: number, size: number, report: CopyReport): Generator<Buffer> {
  let left = size;
  while (left > 0) {
    const room = yield* batch.room();
    const want = Math.min(left, room.length);
    const length = readSync(fd, room, 0, want, size - left);
    if (length === 0) break;
    batch.advance(length);
    left -= length;
  }
  if (left > 0 || fstatSync(fd).size !== size) report.changed++;
  // The header has promised `size` bytes: a file that shrank is filled up, or the archive would be torn.
  yield* batch.addZeros(left + tarPadding(size));
}

/** Gathers small pieces into chunks, because each chunk costs a turn of the event loop. */
class Batch {
  #buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #length = 0;

  /** The free part, never empty. */
  *room(): Generator<Buffer, Buffer> {
    if (this.#length === CHUNK_BYTES) yield this.take();
    return this.#buffer.subarray(this.#length);
  }

  advance(bytes: number): void {
    this.#length += bytes;
  }

  *add(bytes: Buffer): Generator<Buffer> {
    for (let done = 0; done < bytes.length; ) {
      const room = yield* this.room();
      const copied = bytes.copy(room, 0, done);
      this.advance(copied);
      done += copied;
    }
  }

  *addZeros(count: number): Generator<Buffer> {
    for (let left = count; left > 0; ) {
      const room = yield* this.room();
      const zeroed = Math.min(left, room.length);
      room.fill(0, 0, zeroed);
      this.advance(zeroed);
      left -= zeroed;
    }
  }

  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#length = 0;
    return taken;
  }
}
