/**
 * The granted part of a workspace, entry by entry, as something to copy.
 *
 * @module
 */
import { closeSync, fstatSync, type Stats } from "node:fs";
import { SandboxError } from "../../errors.ts";
import { closeDirectory, type Directory, listNames, openChild, openFile, readLink, statChild } from "./directory.ts";
import { descend, type EntryAccess, type Selected } from "./select.ts";

interface EntryBase {
  /** Below the workspace, as bytes; empty for the workspace itself. */
  readonly path: Buffer;
  readonly access: EntryAccess;
  readonly stats: Stats;
}

/** One entry. A file's descriptor is open only until the next entry is asked for. */
export type WalkEntry =
  | (EntryBase & { readonly kind: "directory" })
  | (EntryBase & { readonly kind: "file"; readonly fd: number })
  | (EntryBase & { readonly kind: "symlink"; readonly target: Buffer });

/** What a copy left out or could not get right, counted. */
export interface CopyReport {
  /** Sockets, FIFOs and devices. */
  special: number;
  /** What this process may not read. */
  unreadable: number;
  /** Files that changed their size while they were copied. */
  changed: number;
}

export function emptyReport(): CopyReport {
  return { special: 0, unreadable: 0, changed: 0 };
}

interface Level {
  readonly directory: Directory;
  readonly selected: Selected;
  readonly path: Buffer;
  readonly names: Buffer[];
  next: number;
}

/** Walks everything that the grants cover, parents first. `root` stays open. */
export function* walk(root: Directory, selected: Selected, report: CopyReport): Generator<WalkEntry> {
  // A stack of our own: trees from strangers are as deep as they like.
  const levels: Level[] = [];
  try {
    yield { kind: "directory", path: EMPTY, access: selected.access, stats: fstatSync(root.fd) };
    levels.push({ directory: root, selected, path: EMPTY, names: listNames(root), next: 0 });
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names[level.next++];
      if (name === undefined) {
        levels.pop();
        if (level.directory !== root) closeDirectory(level.directory);
        continue;
      }
      const below = descend(level.selected, name);
      if (below !== undefined) yield* visit(level, name, below, levels, report);
    }
  } finally {
    for (const level of levels) if (level.directory !== root) closeDirectory(level.directory);
  }
}

function* visit(
  parent: Level,
  name: Buffer,
  selected: Selected,
  levels: Level[],
  report: CopyReport,
): Generator<WalkEntry> {
  const path = parent.path.length === 0 ? name : Buffer.concat([parent.path, SLASH, name]);
  const seen = statChild(parent.directory, name);
  if (seen === undefined) return refuseLossyName(path, name);
  try {
    if (seen.isDirectory()) yield* visitDirectory(parent, name, path, selected, levels);
    // On the way to a granted path there are only directories: preparing the grants made sure.
    else if (selected.access === "ancestor") return;
    else if (seen.isFile()) yield* visitFile(parent, name, path, selected.access, report);
    else if (seen.isSymbolicLink()) yield visitLink(parent, name, path, selected.access, seen);
    else report.special++;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EACCES" || code === "EPERM") report.unreadable++;
    // It went away, became something else, or is held by a lease, while we looked.
    else if (code !== undefined && TRANSIENT.has(code)) report.changed++;
    else throw error;
  }
}

function* visitDirectory(
  parent: Level,
  name: Buffer,
  path: Buffer,
  selected: Selected,
  levels: Level[],
): Generator<WalkEntry> {
  const directory = openChild(parent.directory, name);
  let entered = false;
  try {
    const names = listNames(directory);
    yield { kind: "directory", path, access: selected.access, stats: fstatSync(directory.fd) };
    levels.push({ directory, selected, path, names, next: 0 });
    entered = true;
  } finally {
    if (!entered) closeDirectory(directory);
  }
}

function* visitFile(
  parent: Level,
  name: Buffer,
  path: Buffer,
  access: EntryAccess,
  report: CopyReport,
): Generator<WalkEntry> {
  const fd = openFile(parent.directory, name);
  try {
    const stats = fstatSync(fd);
    if (stats.isFile()) yield { kind: "file", path, access, stats, fd };
    else report.special++;
  } finally {
    closeSync(fd);
  }
}

function visitLink(parent: Level, name: Buffer, path: Buffer, access: EntryAccess, stats: Stats): WalkEntry {
  const target = readLink(parent.directory, name);
  // A link's size is the length of its text. Deno decodes it on the way, and loses bytes that are not UTF-8.
  if (target.length !== stats.size && stats.size !== 0) throw lossy(path, "the target of this link");
  return { kind: "symlink", path, access, stats, target };
}

/** A name that was listed and is not there: it went away, or Deno replaced bytes that are not UTF-8. */
function refuseLossyName(path: Buffer, name: Buffer): void {
  if (name.includes(REPLACEMENT)) throw lossy(path, "the name of this file");
}

function lossy(path: Buffer, what: string): SandboxError {
  return new SandboxError(
    "WORKSPACE_UNUSABLE",
    `${what} is not valid UTF-8, which this JavaScript runtime cannot copy`,
    {
      details: { path: path.toString(), reason: `${what} is not valid UTF-8` },
      hint: "Rename it, leave it out of the policy's grants, or run on Node or Bun.",
    },
  );
}

/** The code of a system error, if it is one. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The report as sentences for people. */
export function describeReport(report: CopyReport): string[] {
  const notes: string[] = [];
  if (report.special > 0) notes.push(`${report.special} sockets, FIFOs or devices of the workspace were not copied`);
  if (report.unreadable > 0)
    notes.push(`${report.unreadable} entries of the workspace may not be read and were not copied`);
  if (report.changed > 0) notes.push(`${report.changed} entries of the workspace changed while they were copied`);
  return notes;
}

const TRANSIENT = new Set(["ENOENT", "ELOOP", "ENOTDIR", "ENXIO", "EAGAIN"]);
const EMPTY = Buffer.alloc(0);
const SLASH = Buffer.from("/");
const REPLACEMENT = Buffer.from("\uFFFD");
