/**
 * Writing a hostile tree into a folder of the host: entries are made in folders that are held open, never through a link.
 *
 * @module
 */
import { closeSync, constants, fchmodSync, futimesSync, openSync, realpathSync, unlinkSync, writeSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import {
  childPath,
  closeDirectory,
  type Directory,
  listNames,
  makeChild,
  makeLink,
  openChild,
  openRoot,
} from "../../runtimes/workspace/directory.ts";
import { errnoOf } from "../../runtimes/workspace/walk.ts";
import type { PackedEntry } from "./tree-reader.ts";

/** Each level costs a descriptor. */
const DEPTH_MAX = 256;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface Level {
  readonly directory: Directory;
  readonly path: Buffer;
  /** What it is to become when it is left; undefined for the top. */
  readonly entry: PackedEntry | undefined;
}

/** A folder that is filled. Errors are those of `node:fs`. */
export class HostTree {
  readonly #levels: Level[];
  readonly #overwrite: boolean;

  /** Opens the folder, or makes it. One that is not empty is an error unless things may be replaced. */
  constructor(hostPath: string, overwrite: boolean) {
    this.#overwrite = overwrite;
    const path = resolve(hostPath);
    const parent = openRoot(realpathSync(dirname(path)));
    try {
      const name = Buffer.from(basename(path));
      makeChild(parent, name, 0o700);
      const directory = openChild(parent, name);
      this.#levels = [{ directory, path: Buffer.alloc(0), entry: undefined }];
      if (!overwrite && listNames(directory).length > 0) {
        this.close();
        throw Object.assign(new Error("the folder is not empty"), { code: "ENOTEMPTY" });
      }
    } finally {
      closeDirectory(parent);
    }
  }

  directory(entry: PackedEntry): void {
    const { directory, name } = this.#place(entry.path);
    if (this.#levels.length === DEPTH_MAX) throw Object.assign(new Error("it is too deep"), { code: "ENAMETOOLONG" });
    makeChild(directory, name, 0o700);
    this.#levels.push({ directory: openChild(directory, name), path: entry.path, entry });
  }

  symlink(entry: PackedEntry): void {
    const { directory, name } = this.#place(entry.path);
    this.#make(directory, name, (path) => makeLink(path, entry.target));
  }

  /** Makes a file from its pieces. */
  async file(entry: PackedEntry, pieces: () => Promise<Buffer | undefined>): Promise<void> {
    const { directory, name } = this.#place(entry.path);
    const fd = this.#make(directory, name, (path) => openSync(path, NEW_FILE, 0o600));
    try {
      for (let piece = await pieces(); piece !== undefined; piece = await pieces()) {
        for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
      }
      settle(fd, entry);
    } finally {
      closeSync(fd);
    }
  }

  /** Leaves all folders. */
  close(): void {
    while (this.#levels.length > 0) this.#leave();
  }

  /** The folder that an entry lies in: the reader has made sure that it is one of those that are open. */
  #place(path: Buffer): { readonly directory: Directory; readonly name: Buffer } {
    const slash = path.lastIndexOf(0x2f);
    const parent = path.subarray(0, Math.max(slash, 0));
    while (this.#levels.at(-1)?.path.equals(parent) === false) this.#leave();
    const level = this.#levels.at(-1);
    if (level === undefined) throw new Error("an entry is in no folder of its tree");
    return { directory: level.directory, name: path.subarray(slash + 1) };
  }

  #make<T>(directory: Directory, name: Buffer, make: (path: Buffer) => T): T {
    const path = childPath(directory, name);
    try {
      return make(path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || !this.#overwrite) throw error;
      // Replaced, never written through: it may be a link, or a second name of another file.
      unlinkSync(path);
      return make(path);
    }
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    try {
      if (level.entry !== undefined) settle(level.directory.fd, level.entry);
    } finally {
      closeDirectory(level.directory);
    }
  }
}

function settle(fd: number, { mode, mtimeMs }: PackedEntry): void {
  fchmodSync(fd, mode);
  if (mtimeMs > 0) futimesSync(fd, mtimeMs / 1000, mtimeMs / 1000);
}
