/**
 * `sandbox.files.download`: a tree of the sandbox as a folder of the host, or as a tar archive.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { errnoName } from "../../link/errno.ts";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "../../runtimes/docker/tar-header.ts";
import { errnoOf } from "../../runtimes/workspace/walk.ts";
import { pathBytes } from "../arguments.ts";
import type { SandboxContext } from "../context.ts";
import { type FileStream, openFileStream, takeOutput } from "../file-stream.ts";
import type { Text } from "../types.ts";
import { HostTree } from "./host-tree.ts";
import { TreeTally } from "./tally.ts";
import { type PackedEntry, TreeReader } from "./tree-reader.ts";
import type { DownloadOptions, DownloadTarOptions, TreeSummary } from "./types.ts";

/** A tree on its way. */
interface Download {
  readonly stream: FileStream;
  readonly reader: TreeReader;
  readonly tally: TreeTally;
}

/** Downloads into a folder of the host. */
export async function downloadTree(
  context: SandboxContext,
  path: Text,
  hostPath: string,
  options: DownloadOptions,
): Promise<TreeSummary> {
  const download = await openDownload(context, path, options);
  try {
    const tree = onHost(hostPath, () => new HostTree(hostPath, options.overwrite === true));
    try {
      for await (const entry of entries(context, download, options)) {
        if (entry.kind === "file") await writeFile(download, tree, hostPath, entry);
        else onHost(hostPath, () => (entry.kind === "directory" ? tree.directory(entry) : tree.symlink(entry)));
      }
    } finally {
      onHost(hostPath, () => tree.close());
    }
    await download.stream.done;
    return download.tally.summary;
  } catch (error) {
    download.stream.process.kill();
    throw await causeOf(download.stream, error, options.signal);
  }
}

async function writeFile(
  { reader, tally }: Download,
  tree: HostTree,
  hostPath: string,
  entry: PackedEntry,
): Promise<void> {
  const pieces = async () => {
    const piece = await reader.piece();
    tally.bytes(piece?.length ?? 0);
    return piece;
  };
  await tree.file(entry, pieces).catch((error: unknown) =>
    onHost(hostPath, () => {
      throw error;
    }),
  );
}

/** Downloads as an archive (POSIX ustar with pax records), made as it is read. */
export async function* downloadTar(
  context: SandboxContext,
  path: Text,
  options: DownloadTarOptions,
): AsyncGenerator<Uint8Array> {
  const download = await openDownload(context, path, options);
  let finished = false;
  try {
    for await (const entry of entries(context, download, options)) {
      // A hostile size would have to be filled up to.
      if (entry.kind === "file") download.tally.require(entry.size);
      yield tarHeader(tarEntryOf(entry));
      if (entry.kind === "file") yield* tarContent(download, entry.size);
    }
    await download.stream.done;
    finished = true;
    yield TAR_END;
  } catch (error) {
    throw await causeOf(download.stream, error, options.signal);
  } finally {
    if (!finished) download.stream.process.kill();
  }
}

/** The header has promised a size: a file that grew is cut, one that shrank is filled up. */
async function* tarContent({ reader, tally }: Download, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  for (let piece = await reader.piece(); piece !== undefined; piece = await reader.piece()) {
    const part = piece.subarray(0, left);
    left -= part.length;
    tally.bytes(part.length);
    if (part.length > 0) yield part;
  }
  tally.bytes(left);
  for (left += tarPadding(size); left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

function tarEntryOf({ kind, path, mode, size, mtimeMs, target }: PackedEntry): TarEntry {
  return {
    kind: kind === "other" ? "file" : kind,
    name: path,
    mode,
    uid: 0,
    gid: 0,
    size: kind === "file" ? size : 0,
    mtime: Math.floor(mtimeMs / 1000),
    ...(kind === "symlink" ? { target } : {}),
  };
}

async function openDownload(context: SandboxContext, path: Text, options: DownloadTarOptions): Promise<Download> {
  const bytes = pathBytes("path", path);
  const tally = new TreeTally("download", bytes, options);
  const stream = await openFileStream(context, { operation: "pack", path: bytes }, options.signal);
  return { stream, reader: new TreeReader(() => takeOutput(stream)), tally };
}

/** What is to be made, without the top; the rest is told and passed over. */
async function* entries(
  context: SandboxContext,
  { reader, tally }: Download,
  options: DownloadTarOptions,
): AsyncGenerator<PackedEntry> {
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      if (entry.path.length === 0) continue;
      if (entry.failure !== 0 || entry.kind === "other") {
        tally.entry("skipped");
        options.onSkip?.({ path: entry.path.toString(), errno: errnoName(entry.failure) });
        continue;
      }
      tally.entry(entry.kind);
      yield entry;
    }
  } catch (error) {
    // A malformed answer ends the link, as a malformed frame does.
    if (SandboxError.is(error, "PROTOCOL_VIOLATION")) context.link.close(error);
    throw error;
  }
}

/** An abort is seen as a torn stream first. */
async function causeOf(stream: FileStream, error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  if (!signal?.aborted) return error;
  return stream.done.then(
    () => error,
    (failure: unknown) => failure,
  );
}

function onHost<T>(hostPath: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || SandboxError.is(error)) throw error;
    const hint = errno === "EEXIST" || errno === "ENOTEMPTY" ? "Name a new folder, or set overwrite" : "See errno(3)";
    throw new SandboxError("FILE_FAILED", `Cannot download to ${JSON.stringify(hostPath)} on the host: ${errno}`, {
      details: { operation: "download", path: hostPath, errno },
      hint,
      cause: error,
    });
  }
}

const ZEROS = Buffer.alloc(65_536);
