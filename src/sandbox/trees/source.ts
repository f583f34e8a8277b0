/**
 * Where an uploaded tree comes from, as entries with plain paths.
 *
 * @module
 */
import { readSync, realpathSync } from "node:fs";
import { resolve } from "node:path";

import { SandboxError } from "../../errors.ts";
import { closeDirectory, openRoot } from "../../runtimes/workspace/directory.ts";
import { select } from "../../runtimes/workspace/select.ts";
import { emptyReport, errnoOf, walk } from "../../runtimes/workspace/walk.ts";
import { invalid, kindOf, textBytes } from "../arguments.ts";
import { isPlainName } from "../file-records.ts";
import { checkInput } from "../input.ts";
import type { InputData, Text } from "../types.ts";
import type { Extract, extract } from "./extract.ts";
import type { TreeEntry, TreeSource } from "./types.ts";

/** An entry to be made in the sandbox. Its content is read before the next entry is asked for. */
export interface SourceEntry {
  readonly kind: "file" | "directory" | "symlink";
  readonly path: Buffer;
  readonly mode: number;
  /** 0: now. */
  readonly mtimeMs: number;
  readonly target: Uint8Array;
  readonly content: Iterable<unknown> | AsyncIterable<unknown>;
}

const PIECE_BYTES = 65_536;
const PATH_BYTES_MAX = 4095;
const NOTHING = new Uint8Array(0);
const MODES = { file: 0o644, directory: 0o755, symlink: 0o777 } as const;

/** The entries of a source, without its top. `skipped` is called for each that is left out. */
export function entriesOf(source: TreeSource, skipped: () => void): AsyncIterable<SourceEntry> {
  if (typeof source === "string") return fromFolder(source, skipped);
  if (typeof source === "object" && source !== null) {
    if ("getReader" in source) return fromTar(source);
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return fromEntries(source);
  }
  const hint = "Give the path of a folder, a tar archive as a ReadableStream, or entries";
  throw invalid("source", `Cannot upload ${kindOf(source)}`, source, hint);
}

/** A folder of the host. Its links are kept as links; sockets, FIFOs, devices and what cannot be read are left out. */
async function* fromFolder(path: string, skipped: () => void): AsyncGenerator<SourceEntry> {
  const root = onHost(path, () => openRoot(realpathSync(resolve(path))));
  const report = emptyReport();
  try {
    for (const found of walk(root, select([{ relative: ".", access: "read" }]), report)) {
      if (found.path.length === 0) continue;
      const { kind, stats } = found;
      yield {
        kind,
        path: found.path,
        mode: stats.mode,
        mtimeMs: stats.mtimeMs,
        target: kind === "symlink" ? found.target : NOTHING,
        content: kind === "file" ? readPieces(found.fd) : [],
      };
    }
    for (let left = report.special + report.unreadable + report.changed; left > 0; left--) skipped();
  } finally {
    closeDirectory(root);
  }
}

function* readPieces(fd: number): Generator<Uint8Array> {
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const length = readSync(fd, piece);
    if (length === 0) return;
    yield piece.subarray(0, length);
  }
}

/** An archive. What is neither a file, a folder nor a symlink is an error: half an archive is none. */
async function* fromTar(stream: ReadableStream<Uint8Array>): AsyncGenerator<SourceEntry> {
  const tar = await import("./extract.ts");
  const archive = tar.extract();
  const reader = stream.getReader();
  let broken: { readonly error: unknown } | undefined;
  const feeding = feed(reader, archive).catch((error: unknown) => {
    broken = { error };
    archive.destroy(new Error("its source failed"));
  });
  try {
    for await (const entry of archive) {
      const source = fromTarEntry(entry);
      if (source.path.length > 0) yield source;
      entry.resume();
    }
    await feeding;
  } catch (error) {
    if (broken === undefined && !SandboxError.is(error)) throw tornArchive(error);
    throw broken === undefined ? error : broken.error;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (broken !== undefined) throw broken.error;
}

type ArchiveEntry = Extract extends AsyncIterable<infer Entry> ? Entry : never;

function fromTarEntry(entry: ArchiveEntry): SourceEntry {
  const { name, type, mode, mtime, linkname } = entry.header;
  if (type !== "file" && type !== "directory" && type !== "symlink" && type !== "contiguous-file") {
    throw invalid(
      "source",
      `Cannot upload ${JSON.stringify(name)}: it is a ${type}`,
      name,
      "Leave it out of the archive",
    );
  }
  const kind = type === "contiguous-file" ? "file" : type;
  return {
    kind,
    path: plainPath(name, kind),
    mode: mode ?? MODES[kind],
    mtimeMs: mtime?.getTime() ?? 0,
    target: Buffer.from(kind === "symlink" ? (linkname ?? "") : ""),
    content: kind === "file" ? entry : [],
  };
}

function tornArchive(cause: unknown): SandboxError<"ARGUMENT_INVALID"> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SandboxError("ARGUMENT_INVALID", `Cannot read the archive to upload: ${reason}`, {
    details: { argument: "source" },
    hint: "Give a whole, uncompressed tar archive",
    cause,
  });
}

async function feed(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  archive: ReturnType<typeof extract>,
): Promise<void> {
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (archive.destroyed) return;
    if (!archive.write(Buffer.from(piece.value))) {
      await new Promise<void>((resolve) => {
        archive.once("drain", resolve);
        archive.once("close", resolve);
      });
    }
  }
  archive.end(undefined);
}

async function* fromEntries(entries: Iterable<TreeEntry> | AsyncIterable<TreeEntry>): AsyncGenerator<SourceEntry> {
  for await (const entry of entries) {
    const kind = entry.kind ?? "file";
    if (!(kind in MODES))
      throw invalid("kind", `Cannot upload a "${String(kind)}"`, kind, "Use file, directory or symlink");
    const path = plainPath(entry.path, kind);
    if (path.length === 0) throw invalid("path", "Cannot upload an entry without a name", entry.path, "Name it");
    const target = kind === "symlink" ? textBytes("target", entry.target ?? "", PATH_BYTES_MAX) : NOTHING;
    const content = kind === "file" ? pieces(entry.content ?? "") : [];
    yield { kind, path, mode: entry.mode ?? MODES[kind], mtimeMs: entry.mtimeMs ?? 0, target, content };
  }
}

function pieces(content: InputData): SourceEntry["content"] {
  checkInput("content", content);
  return typeof content === "string" || content instanceof Uint8Array ? [content] : (content as AsyncIterable<unknown>);
}

/** A path below the top, without `./` and a folder's slash; what leads elsewhere is an error, not mended. */
function plainPath(text: Text, kind: SourceEntry["kind"]): Buffer {
  let path = Buffer.from(textBytes("path", text, PATH_BYTES_MAX));
  while (path[0] === 0x2e && path[1] === 0x2f) path = path.subarray(2);
  if (kind === "directory") {
    while (path.at(-1) === 0x2f) path = path.subarray(0, -1);
    if (path.toString("latin1") === ".") return Buffer.alloc(0);
  }
  // Latin-1 keeps every byte apart.
  const plain = path
    .toString("latin1")
    .split("/")
    .every((name) => isPlainName(Buffer.from(name, "latin1")));
  if (path.length === 0 || plain) return path;
  const name = JSON.stringify(Buffer.from(path).toString());
  throw invalid(
    "path",
    `Cannot upload an entry to ${name}: it does not lie below the top`,
    text,
    "Use no .. and no leading /",
  );
}

function onHost<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new SandboxError("FILE_FAILED", `Cannot upload ${JSON.stringify(path)} of the host: ${errno}`, {
      details: { operation: "upload", path, errno },
      hint: "Name a folder that this process may read",
      cause: error,
    });
  }
}
