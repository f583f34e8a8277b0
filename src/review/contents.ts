/**
 * The contents of both sides of a change.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { SandboxError } from "../errors.ts";
import type { Difference } from "./compare.ts";
import type { HostFolder } from "./host-folder.ts";
import type { PatchPart, PatchSide } from "./patch.ts";
import { displayOf } from "./paths.ts";
import type { Tree } from "./tree.ts";

/** Longer files are not shown as differences. */
export const DIFF_BYTES_MAX: number = 32 * 1024 * 1024;

/** Where contents come from. */
export interface ContentSource {
  readonly tree: Tree;
  /** Undefined: the workspace began empty. */
  readonly folder: HostFolder | undefined;
}

/**
 * A change with both its contents. What the host has changed meanwhile is shown as the host has it now.
 *
 * @throws {SandboxError} CHANGE_STALE If the sandbox's file is no longer what the change says.
 * @throws {SandboxError} REVIEW_FAILED If a side is too long, or cannot be read.
 */
export async function patchPart(source: ContentSource, difference: Difference): Promise<PatchPart> {
  const { path, from = path } = difference;
  const before = await beforeSide(source, difference);
  const same = difference.kind === "renamed" && before !== undefined;
  const after = same ? sameContent(before, difference) : await afterSide(source, difference);
  return { path, from, before, after };
}

function sameContent(before: PatchSide, { after }: Difference): PatchSide {
  return { ...before, mode: after?.mode ?? before.mode };
}

async function beforeSide({ folder }: ContentSource, difference: Difference): Promise<PatchSide | undefined> {
  const { path, from = path, before } = difference;
  if (before === undefined || folder === undefined) return undefined;
  if (before.kind === "symlink")
    return { kind: "symlink", mode: before.mode, content: before.target ?? Buffer.alloc(0) };
  if (before.size > DIFF_BYTES_MAX) throw unshown(from, "it is too long to be shown as a difference");
  const content = await folder.read(from, DIFF_BYTES_MAX);
  // Where the host has deleted it there is nothing to compare with.
  return content === undefined ? undefined : { kind: "file", mode: before.mode, content };
}

async function afterSide({ tree }: ContentSource, difference: Difference): Promise<PatchSide | undefined> {
  const { path, after, problem } = difference;
  if (after === undefined) return undefined;
  if (problem !== undefined) throw unshown(path, `it is ${problem}`);
  if (after.kind === "symlink") return { kind: "symlink", mode: after.mode, content: after.target ?? Buffer.alloc(0) };
  if (after.size > DIFF_BYTES_MAX) throw unshown(path, "it is too long to be shown as a difference");
  const chunks: Uint8Array[] = [];
  const hash = createHash("sha256");
  for await (const chunk of readChecked(tree, path, after.size)) {
    chunks.push(chunk);
    hash.update(chunk);
  }
  if (hash.digest("hex") !== after.sha256) throw stale(path);
  return { kind: "file", mode: after.mode, content: Buffer.concat(chunks) };
}

const GONE = ["FILE_MISSING", "FILE_FAILED", "FILE_DENIED"] as const;

/** A file of the sandbox, which must not be longer than it was. */
export async function* readChecked(tree: Tree, path: string, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  try {
    for await (const chunk of tree.read(path, size)) {
      left -= chunk.length;
      if (left < 0) throw stale(path);
      yield chunk;
    }
  } catch (error) {
    // It is gone, something else, or closed to us by now.
    if (GONE.some((code) => SandboxError.is(error, code))) throw stale(path);
    throw error;
  }
}

/** The error of a change that is no longer what it was. */
export function stale(path: string): SandboxError<"CHANGE_STALE"> {
  const name = displayOf(path);
  return new SandboxError("CHANGE_STALE", `Cannot use the change of ${JSON.stringify(name)}: the file changed again`, {
    details: { path: name },
    hint: "Call changes() again, best when no command runs",
  });
}

function unshown(path: string, reason: string): SandboxError<"REVIEW_FAILED"> {
  const name = displayOf(path);
  return new SandboxError("REVIEW_FAILED", `Cannot show the change of ${JSON.stringify(name)}: ${reason}`, {
    details: { path: name, reason },
    hint: "Its hash tells whether it is what you expect; leave it out with `only`",
  });
}
