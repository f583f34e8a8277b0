/**
 * Copies the granted part of a workspace to a directory of this host.
 *
 * @module
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import process from "node:process";
import { setImmediate } from "node:timers";
import type { BaselineRecorder } from "./baseline.ts";
import { closeDirectory, openRoot } from "./directory.ts";
import { type Agent, type Ownership, ownershipOf } from "./ownership.ts";
import { accessAt, select, type WorkspaceGrant } from "./select.ts";
import { type CopyReport, emptyReport, type WalkEntry, walk } from "./walk.ts";

/** How {@link copyWorkspace} copies. */
export interface CopyOptions extends Agent {
  readonly grants: readonly WorkspaceGrant[];
  /** Directories to make in the copy, parents before children. */
  readonly missing?: readonly string[];
  /** Whether owners can be set, so that what is only readable belongs to root. Otherwise all belongs to the caller. */
  readonly chown: boolean;
  /** Learns what was copied. */
  readonly baseline?: BaselineRecorder;
}

/** A small file is copied in one read: most of the time goes into the number of calls. */
const SMALL_BYTES = 256 * 1024;
/** How long the event loop may be held. */
const SLICE_MS = 12;

/**
 * Copies everything that the grants cover into `target`, an empty directory that nobody else writes to.
 *
 * Modes (without set-id bits) and times are kept; hard links become separate files; sockets, FIFOs and devices are left out.
 */
export async function copyWorkspace(source: string, target: string, options: CopyOptions): Promise<CopyReport> {
  const report = emptyReport();
  const root = openRoot(source);
  const selected = select(options.grants);
  const prefix = Buffer.from(target);
  const buffer = Buffer.allocUnsafe(SMALL_BYTES);
  const directories: { path: Buffer; ownership: Ownership; stats: Stats }[] = [];
  try {
    let since = performance.now();
    for (const entry of walk(root, selected, report)) {
      const path = entry.path.length === 0 ? prefix : Buffer.concat([prefix, SLASH, entry.path]);
      const ownership = ownershipFor(entry, options);
      if (entry.kind === "directory") {
        if (entry.path.length > 0) mkdirSync(path, 0o700);
        directories.push({ path, ownership, stats: entry.stats });
      } else if (entry.kind === "symlink") {
        copyLink(path, entry.target, entry.stats, ownership, options.chown);
        options.baseline?.add(entry, ownership.mode);
      } else {
        const { fd, stats } = entry;
        const copied =
          stats.size <= SMALL_BYTES
            ? copySmall(path, fd, stats, ownership, options.chown, buffer, report)
            : await copyLarge(path, fd, stats, ownership, options.chown, report);
        options.baseline?.add(entry, ownership.mode, copied);
      }
      if (performance.now() - since > SLICE_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        since = performance.now();
      }
    }
  } finally {
    closeDirectory(root);
  }
  makeMissing(prefix, options, selected);
  // Last and innermost first: an owner or a mode may shut us out, and every new entry changes the time.
  for (const { path, ownership, stats } of directories.reverse()) {
    if (options.chown) lchownSync(path, ownership.uid, ownership.gid);
    chmodSync(path, ownership.mode);
    utimesSync(path, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  }
  options.baseline?.finish(target);
  return report;
}

function ownershipFor(entry: WalkEntry, options: CopyOptions): Ownership {
  if (options.chown) return ownershipOf(entry.access, entry.stats.mode, options);
  // The caller owns everything: an ancestor's name and times are no secret, what is in it is not copied.
  const mode = entry.stats.mode & 0o1777;
  return { uid: options.uid, gid: options.gid, mode: entry.kind === "directory" ? mode | 0o700 : mode };
}

function makeMissing(prefix: Buffer, options: CopyOptions, selected: ReturnType<typeof select>): void {
  for (const relative of options.missing ?? []) {
    const path = Buffer.concat([prefix, SLASH, Buffer.from(relative)]);
    const ownership = ownershipOf(accessAt(selected, relative) ?? "ancestor", 0o755, options);
    mkdirSync(path, 0o755);
    if (options.chown) lchownSync(path, ownership.uid, ownership.gid);
    chmodSync(path, options.chown ? ownership.mode : 0o755);
  }
}

function copyLink(path: Buffer, target: Buffer, stats: Stats, ownership: Ownership, chown: boolean): void {
  symlinkSync(target, path);
  if (chown) lchownSync(path, ownership.uid, ownership.gid);
  lutimesSync(path, stats.atimeMs / 1000, stats.mtimeMs / 1000);
}

function copySmall(
  path: Buffer,
  source: number,
  stats: Stats,
  ownership: Ownership,
  chown: boolean,
  buffer: Buffer,
  report: CopyReport,
): Stats {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    // An empty file needs no read; one that grew meanwhile is copied as far as it was.
    const length = stats.size === 0 ? 0 : readSync(source, buffer, 0, stats.size, 0);
    if (length !== stats.size) report.changed++;
    for (let done = 0; done < length; ) done += writeSync(fd, buffer, done, length - done);
    return finish(fd, stats, ownership, chown);
  } finally {
    closeSync(fd);
  }
}

async function copyLarge(
  path: Buffer,
  source: number,
  stats: Stats,
  ownership: Ownership,
  chown: boolean,
  report: CopyReport,
): Promise<Stats> {
  // By descriptor, so that it is the file that was looked at; a clone where the file system can.
  const from = process.platform === "linux" ? `/proc/self/fd/${source}` : undefined;
  if (from === undefined) throw new Error("large files are copied on Linux only");
  await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  // For reading only: the copy has the file's own mode, which may not let us write.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(fd).size !== stats.size) report.changed++;
    return finish(fd, stats, ownership, chown);
  } finally {
    closeSync(fd);
  }
}

/** Makes the copy what it is to be; what it is then. */
function finish(fd: number, stats: Stats, ownership: Ownership, chown: boolean): Stats {
  if (chown) fchownSync(fd, ownership.uid, ownership.gid);
  // After the owner: changing that would clear bits.
  fchmodSync(fd, ownership.mode);
  futimesSync(fd, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  return fstatSync(fd);
}

const SLASH = Buffer.from("/");
