/**
 * `sandbox.files.upload`: a tree of the host's into the sandbox.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { encodeFields, violation } from "../../link/codec.ts";
import { errnoName } from "../../link/errno.ts";
import { CODES, FLAGS, MAX_DATA_BYTES, RECORDS } from "../../link/protocol.ts";
import { pathBytes } from "../arguments.ts";
import type { SandboxContext } from "../context.ts";
import { type FileRequest, type FileStream, openFileStream, refuseOperation, takeOutput } from "../file-stream.ts";
import { feedInput, pieceBytes } from "../input.ts";
import type { Text } from "../types.ts";
import { entriesOf, type SourceEntry } from "./source.ts";
import { TreeTally } from "./tally.ts";
import { decodeEntry, TREE_RECORD_BYTES_MAX } from "./tree-reader.ts";
import type { TreeSource, TreeSummary, UploadOptions } from "./types.ts";

/** What goes out in one piece: most files are small. */
const BATCH_BYTES = 131_072;
const LENGTH_BYTES = 4;
const PERMISSIONS = 0o777;

/** Uploads a tree; settles when all of it is there. */
export async function uploadTree(
  context: SandboxContext,
  source: TreeSource,
  path: Text,
  options: UploadOptions,
): Promise<TreeSummary> {
  const request: FileRequest = {
    operation: "unpack",
    path: pathBytes("path", path),
    flags: options.exclusive ? FLAGS.file.exclusive : 0,
  };
  const tally = new TreeTally("upload", request.path, options);
  const entries = entriesOf(source, () => tally.entry("skipped"));
  const stream = await openFileStream(context, request, options.signal);
  try {
    await feedInput(stream.process, encode(entries, tally), stream.done);
  } catch (error) {
    // The source was at fault, unless the abort was.
    throw options.signal?.aborted ? await stream.done.catch((failure: unknown) => failure) : error;
  }
  await stream.done;
  await refuseFailure(context, request, stream);
  return tally.summary;
}

/** What could not be made is the whole answer. */
async function refuseFailure(context: SandboxContext, request: FileRequest, stream: FileStream): Promise<void> {
  const pieces: Uint8Array[] = [];
  for (let data = await takeOutput(stream); data !== undefined; data = await takeOutput(stream)) pieces.push(data);
  const answer = Buffer.concat(pieces);
  if (answer.length === 0) return;
  try {
    if (answer.length < LENGTH_BYTES || answer.readUInt32LE(0) !== answer.length - LENGTH_BYTES) {
      throw violation("an upload was answered with something else than an entry");
    }
    const { path, failure } = decodeEntry(answer.subarray(LENGTH_BYTES));
    const whole = path.length === 0 ? request.path : Buffer.concat([request.path, Buffer.from("/"), path]);
    throw refuseOperation(context, { ...request, path: whole }, errnoName(failure));
  } catch (error) {
    if (SandboxError.is(error, "PROTOCOL_VIOLATION")) context.link.close(error);
    throw error;
  }
}

/** The stream that `unpack` reads, in pieces of some size. */
async function* encode(entries: AsyncIterable<SourceEntry>, tally: TreeTally): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of frames(entries, tally)) {
    batch.push(bytes);
    size += bytes.length;
    if (size < BATCH_BYTES) continue;
    yield Buffer.concat(batch, size);
    batch = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(batch, size);
}

async function* frames(entries: AsyncIterable<SourceEntry>, tally: TreeTally): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    tally.entry(entry.kind);
    yield record(entry);
    if (entry.kind !== "file") continue;
    for await (const data of entry.content) {
      const bytes = pieceBytes(data);
      tally.bytes(bytes.length);
      for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) yield* piece(bytes.subarray(at, at + MAX_DATA_BYTES));
    }
    yield length(0);
  }
}

function* piece(bytes: Uint8Array): Generator<Uint8Array> {
  yield length(bytes.length);
  yield bytes;
}

function length(bytes: number): Buffer {
  const prefix = Buffer.allocUnsafe(LENGTH_BYTES);
  prefix.writeUInt32LE(bytes);
  return prefix;
}

function record({ kind, path, mode, mtimeMs, target }: SourceEntry): Buffer {
  const time = Math.max(0, mtimeMs);
  const fields = encodeFields(RECORDS.treeEntry, {
    kind: CODES.kind[kind],
    mode: mode & PERMISSIONS,
    failure: 0,
    size: 0,
    mtimeSeconds: Math.floor(time / 1000),
    mtimeNanoseconds: Math.floor((time % 1000) * 1e6),
    path,
    target,
  });
  if (fields.length > TREE_RECORD_BYTES_MAX) throw new RangeError(`an entry takes ${fields.length} bytes`);
  return Buffer.concat([length(fields.length), fields]);
}
