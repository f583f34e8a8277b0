/**
 * The host's file operations in the virtual tree (`native/file_operation.c`).
 *
 * @module
 */
import { posix } from "node:path";
import { encodeFields } from "../../link/codec.ts";
import { CODES, FLAGS, type MessageValues, RECORDS } from "../../link/protocol.ts";
import { AGENT_UID } from "../identity.ts";
import { ERRNO, GuestError } from "./guest.ts";
import type { Caller } from "./judge.ts";
import type { World } from "./programs.ts";
import type { GuestStream } from "./stream.ts";
import type { Tables } from "./tables.ts";
import { resolvePath } from "./tree.ts";

/** Does one, and ends its stream. */
export async function runOperation(
  world: World,
  stream: GuestStream,
  tables: Tables,
  request: MessageValues<"file">,
): Promise<void> {
  const pid = world.nextPid();
  const caller: Caller = { stream: stream.number, pid, binary: "", tables, ours: true, parents: [] };
  try {
    stream.started(pid);
    await perform(world, stream, caller, request);
    stream.exit({});
  } catch (error) {
    stream.fail(CODES.stage.file, ERRNO[error instanceof GuestError ? error.errno : "EINVAL"]);
  }
}

async function perform(
  { tree, operations }: World,
  stream: GuestStream,
  caller: Caller,
  request: MessageValues<"file">,
): Promise<void> {
  const path = resolvePath("/", Buffer.from(request.path).toString());
  const has = (flag: keyof typeof FLAGS.file) => (request.flags & FLAGS.file[flag]) !== 0;
  const { operation } = CODES;
  switch (request.operation) {
    case operation.read: {
      const data = await operations.read(caller, path);
      const end = request.length === 0 ? undefined : request.offset + request.length;
      return stream.write("stdout", data.subarray(request.offset, end));
    }
    case operation.write: {
      if (has("recursive")) await operations.mkdirAbove(caller, path);
      await operations.open(caller, path, { append: has("append"), exclusive: has("exclusive") });
      operations.append(path, await stream.readInput());
      return;
    }
    case operation.list: {
      const names = await operations.list(caller, path);
      return stream.write("stdout", Buffer.concat(names.map((name) => entry(tree, posix.join(path, name)))));
    }
    case operation.stat:
      return stream.write("stdout", entry(tree, path));
    case operation.remove:
      if (has("force") && tree.at(path) === undefined) return;
      return has("recursive") ? operations.removeTree(caller, path) : operations.remove(caller, path);
    case operation.rename:
      return operations.rename(caller, path, resolvePath("/", Buffer.from(request.target).toString()));
    case operation.mkdir:
      if (has("recursive")) await operations.mkdirAbove(caller, path);
      if (has("recursive") && tree.at(path)?.kind === "directory") return;
      return operations.mkdir(caller, path);
    default:
      throw new GuestError("ENOSYS", path);
  }
}

/** One record: its length, and then the entry. Not decided, as `stat` is not in a real sandbox. */
function entry(tree: World["tree"], path: string): Buffer {
  const node = tree.find(path);
  const fields = encodeFields(RECORDS.entry, {
    kind: CODES.kind[node.kind],
    mode: node.kind === "directory" || node.program !== undefined ? 0o755 : 0o644,
    uid: AGENT_UID,
    size: node.kind === "file" ? node.data.length : 0,
    mtimeSeconds: Math.floor(node.changedMs / 1000),
    mtimeNanoseconds: (node.changedMs % 1000) * 1_000_000,
    name: Buffer.from(posix.basename(path) || path),
    target: Buffer.alloc(0),
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(fields.length);
  return Buffer.concat([length, fields]);
}
