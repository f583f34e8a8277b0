/**
 * Directories that are held open, so that nobody can swap one for a link between a check and a use.
 *
 * A workspace is hostile: another sandbox that writes to it may rename things while we look. Node has no `openat`, but
 * on Linux `/proc/self/fd/N/name` is the same thing: it starts at the open directory, whatever its name is by now.
 * Elsewhere paths are used; there the engine runs in a virtual machine, and the host's own files are not within reach
 * of a race in the same way.
 *
 * @module
 */
import { isUtf8 } from "node:buffer";
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Stats,
  symlinkSync,
} from "node:fs";
import process from "node:process";

/** An open directory. Names are bytes: a file's name need not be text. */
export interface Directory {
  readonly fd: number;
  /** What a child's name is appended to. */
  readonly base: Buffer;
}

const NO_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW;
// O_NONBLOCK: what was a file when we looked may be a FIFO now, and opening one blocks for ever.
const FILE = NO_FOLLOW | constants.O_NONBLOCK;

/** Opens a directory by a real path: a link anywhere in it, put there since it was resolved, fails with ENOTDIR or ELOOP. */
export function openRoot(path: string): Directory {
  if (process.platform !== "linux") return open(Buffer.from(path));
  let directory = open(SLASH);
  if (!existsSync(`/proc/self/fd/${directory.fd}`)) {
    closeSync(directory.fd);
    throw new Error("/proc/self/fd is not available, and directories cannot be read safely without it");
  }
  for (const name of path.split("/").filter((part) => part !== "")) {
    const parent = directory;
    try {
      directory = openChild(parent, Buffer.from(name));
    } finally {
      closeDirectory(parent);
    }
  }
  return directory;
}

/** Opens a directory in another one; a link fails with ENOTDIR or ELOOP. */
export function openChild(parent: Directory, name: Buffer): Directory {
  return open(childPath(parent, name));
}

/** Opens a file in a directory for reading; a link fails with ELOOP. */
export function openFile(parent: Directory, name: Buffer): number {
  return openSync(childPath(parent, name), FILE);
}

/** A path to an entry of an open directory. Only for calls that do not follow a link in its last component. */
export function childPath(parent: Directory, name: Buffer): Buffer {
  return Buffer.concat([parent.base, asTheyAre(name)]);
}

/** What an entry is, without following it; undefined where there is none. */
export function statChild(parent: Directory, name: Buffer): Stats | undefined {
  return lstatSync(childPath(parent, name), { throwIfNoEntry: false });
}

/** The names in a directory, in one order everywhere. */
export function listNames(directory: Directory): Buffer[] {
  const path = directory.base.subarray(0, -1);
  return readdirSync(path, { encoding: "buffer" }).sort(Buffer.compare);
}

/** Makes a directory in another one. False: something has its name, and is to be opened without following a link next. */
export function makeChild(parent: Directory, name: Buffer, mode = 0o755): boolean {
  // Looked at first, for Deno cannot tell that a name of bytes is taken.
  if (statChild(parent, name) !== undefined) return false;
  try {
    mkdirSync(childPath(parent, name), mode);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Makes a link. */
export function makeLink(path: Buffer, target: Buffer): void {
  symlinkSync(asTheyAre(target), path);
}

/** Where a link points. */
export function readLink(parent: Directory, name: Buffer): Buffer {
  return Buffer.from(readlinkSync(childPath(parent, name), { encoding: "buffer" }));
}

export function closeDirectory(directory: Directory): void {
  closeSync(directory.fd);
}

function open(path: Buffer): Directory {
  const fd = openSync(path, NO_FOLLOW | constants.O_DIRECTORY);
  const base = process.platform === "linux" ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, SLASH]);
  return { fd, base };
}

/** Deno takes bytes for text: one that is none would become another name, and perhaps that of another file. */
function asTheyAre(bytes: Buffer): Buffer {
  if (!("deno" in process.versions) || isUtf8(bytes)) return bytes;
  const reason = `${JSON.stringify(bytes.toString())} is not valid UTF-8, which this JavaScript runtime cannot write`;
  throw Object.assign(new Error(reason), { code: "EILSEQ" });
}

const SLASH = Buffer.from("/");
