/**
 * One change as a piece of a patch that `git apply` takes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { binaryPatch } from "./binary-patch.ts";
import { unifiedHunks } from "./hunks.ts";
import { isBinary, quotePath } from "./text.ts";

/** One side of a change: its content, a symlink's being what it says. */
export interface PatchSide {
  readonly kind: "file" | "symlink";
  readonly mode: number;
  readonly content: Buffer;
}

/** A change with its contents. Paths are Latin-1. */
export interface PatchPart {
  readonly path: string;
  readonly from: string;
  readonly before: PatchSide | undefined;
  readonly after: PatchSide | undefined;
}

const NO_BLOB = "0".repeat(40);

/** The piece, as Latin-1. Git knows one permission bit: whether a file is executable. */
export function patchOf(part: PatchPart, contextLines = 3): string {
  const { before, after } = part;
  // Git has no change from a file to a symlink: it is a deletion and a new file.
  if (before !== undefined && after !== undefined && before.kind !== after.kind) {
    return (
      patchOf({ ...part, path: part.from, after: undefined }) + patchOf({ ...part, from: part.path, before: undefined })
    );
  }
  const head = `diff --git ${quotePath(`a/${part.from}`)} ${quotePath(`b/${part.path}`)}\n`;
  return head + modeLines(before, after) + renameLines(part) + body(part, contextLines);
}

function modeLines(before: PatchSide | undefined, after: PatchSide | undefined): string {
  if (before === undefined) return after === undefined ? "" : `new file mode ${gitMode(after)}\n`;
  if (after === undefined) return `deleted file mode ${gitMode(before)}\n`;
  if (gitMode(before) === gitMode(after)) return "";
  return `old mode ${gitMode(before)}\nnew mode ${gitMode(after)}\n`;
}

function renameLines({ path, from }: PatchPart): string {
  if (path === from) return "";
  return `similarity index 100%\nrename from ${quotePath(from)}\nrename to ${quotePath(path)}\n`;
}

function body({ path, from, before, after }: PatchPart, contextLines: number): string {
  const [old, fresh] = [before?.content ?? EMPTY, after?.content ?? EMPTY];
  const same = before !== undefined && after !== undefined && gitMode(before) === gitMode(after);
  const index = `index ${blobOf(before)}..${blobOf(after)}${same && before !== undefined ? ` ${gitMode(before)}` : ""}\n`;
  if (old.equals(fresh)) return before === undefined || after === undefined ? index : "";
  if (isBinary(old) || isBinary(fresh)) return index + binaryPatch(old, fresh);
  const oldName = before === undefined ? "/dev/null" : fileName(`a/${from}`);
  const newName = after === undefined ? "/dev/null" : fileName(`b/${path}`);
  const hunks = unifiedHunks(old.toString("latin1"), fresh.toString("latin1"), contextLines);
  return `${index}--- ${oldName}\n+++ ${newName}\n${hunks}`;
}

/** A tab after a name with a space keeps other programs from reading on. */
function fileName(path: string): string {
  const quoted = quotePath(path);
  return quoted.includes(" ") && !quoted.startsWith('"') ? `${quoted}\t` : quoted;
}

function gitMode({ kind, mode }: PatchSide): string {
  if (kind === "symlink") return "120000";
  return mode & 0o100 ? "100755" : "100644";
}

/** The name that git gives the content. */
function blobOf(side: PatchSide | undefined): string {
  if (side === undefined) return NO_BLOB;
  const { content } = side;
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

const EMPTY = Buffer.alloc(0);
