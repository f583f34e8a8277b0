/**
 * The host's own folder, which a sandbox was copied from. Others may write to it, so it is walked by held descriptors and no
 * link in it is followed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, read as readCallback, type Stats } from "node:fs";
import { promisify } from "node:util";
import { SandboxError } from "../errors.ts";
import {
  type Baseline,
  type BaselineEntry,
  closeDirectory,
  type Directory,
  errnoOf,
  hostIdentity,
  isSameHost,
  openChild,
  openFile,
  openRoot,
  readLink,
  statChild,
} from "../runtimes/workspace/mod.ts";
import { componentsOf } from "./paths.ts";

const readSome = promisify(readCallback);
const CHUNK_BYTES = 256 * 1024;

/** What is at a path. `blocked`: something on the way to it is not a folder, a symlink for instance. */
export type HostEntry = { readonly kind: "found"; readonly stats: Stats } | { readonly kind: "missing" | "blocked" };

/** A file of the host that is open for reading. */
export interface OpenFile {
  readonly stats: Stats;
  chunks(): AsyncGenerator<Buffer>;
  /** What it is by now. */
  now(): Stats;
  close(): void;
}

/** The folder, open. */
export class HostFolder {
  readonly #root: Directory;

  private constructor(root: Directory) {
    this.#root = root;
  }

  /**
   * Opens it.
   *
   * @throws {SandboxError} REVIEW_FAILED If the path is no longer the folder that the sandbox was made from.
   */
  static open(folder: NonNullable<Baseline["folder"]>): HostFolder {
    let root: Directory;
    try {
      root = openRoot(folder.path);
    } catch (error) {
      throw gone(folder.path, error instanceof Error ? error.message : String(error));
    }
    const { dev, ino } = fstatSync(root.fd);
    if (dev === folder.device && ino === folder.inode) return new HostFolder(root);
    closeDirectory(root);
    throw gone(folder.path, "another folder has its path now");
  }

  close(): void {
    closeDirectory(this.#root);
  }

  get root(): Directory {
    return this.#root;
  }

  /** Calls `use` with the open folder of an entry and its name. Undefined: a folder on the way is missing. */
  within<T>(path: string, use: (parent: Directory, name: Buffer) => T): T | "missing" | "blocked" {
    const names = componentsOf(path);
    const name = names.pop() as Buffer;
    const parent = this.#enter(names);
    if (typeof parent === "string") return parent;
    try {
      return use(parent, name);
    } finally {
      if (parent !== this.#root) closeDirectory(parent);
    }
  }

  /** What is at a path. */
  look(path: string): HostEntry {
    const found = this.within(path, (parent, name) => statChild(parent, name));
    if (found === "missing" || found === undefined) return { kind: "missing" };
    return found === "blocked" ? { kind: "blocked" } : { kind: "found", stats: found };
  }

  /** Whether an entry is still what was copied. */
  isUnchanged(path: string, entry: BaselineEntry): boolean {
    if (entry.changedSince) return false;
    const found = this.look(path);
    return found.kind === "found" && isSameHost(hostIdentity(found.stats), entry.host);
  }

  /** A file, open for reading: undefined where there is none. The caller closes it. */
  openFile(path: string): OpenFile | undefined {
    const fd = this.#openFile(path);
    if (fd === undefined) return undefined;
    const stats = fstatSync(fd);
    if (stats.isFile())
      return { stats, chunks: () => chunks(fd), now: () => fstatSync(fd), close: () => closeSync(fd) };
    closeSync(fd);
    return undefined;
  }

  /** The hash of a file as it was copied; undefined where it is no longer that. */
  async hashOf(path: string, entry: BaselineEntry): Promise<string | undefined> {
    if (entry.sha256 !== undefined || entry.kind !== "file") return entry.sha256;
    const file = this.openFile(path);
    if (file === undefined) return undefined;
    try {
      const hash = createHash("sha256");
      if (!isSameHost(hostIdentity(file.stats), entry.host)) return undefined;
      for await (const chunk of file.chunks()) hash.update(chunk);
      if (isSameHost(hostIdentity(file.now()), entry.host)) entry.sha256 = hash.digest("hex");
      return entry.sha256;
    } finally {
      file.close();
    }
  }

  /** What is in a file now, if it is one of at most `maxBytes`. */
  async read(path: string, maxBytes: number): Promise<Buffer | undefined> {
    const file = this.openFile(path);
    if (file === undefined) return undefined;
    try {
      const read: Buffer[] = [];
      let size = 0;
      for await (const chunk of file.chunks()) {
        size += chunk.length;
        if (size > maxBytes) return undefined;
        read.push(chunk);
      }
      return Buffer.concat(read);
    } finally {
      file.close();
    }
  }

  /** Where a symlink points; undefined where there is none. */
  linkAt(path: string): Buffer | undefined {
    const found = this.within(path, (parent, name) =>
      statChild(parent, name)?.isSymbolicLink() ? readLink(parent, name) : undefined,
    );
    return typeof found === "string" ? undefined : found;
  }

  #openFile(path: string): number | undefined {
    try {
      const fd = this.within(path, (parent, name) => openFile(parent, name));
      return typeof fd === "number" ? fd : undefined;
    } catch {
      return undefined;
    }
  }

  #enter(names: readonly Buffer[]): Directory | "missing" | "blocked" {
    let at = this.#root;
    for (const name of names) {
      const above = at;
      try {
        at = openChild(above, name);
      } catch (error) {
        return errnoOf(error) === "ENOENT" ? "missing" : "blocked";
      } finally {
        if (above !== this.#root) closeDirectory(above);
      }
    }
    return at;
  }
}

async function* chunks(fd: number): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await readSome(fd, Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function gone(path: string, reason: string): SandboxError<"REVIEW_FAILED"> {
  return new SandboxError("REVIEW_FAILED", `Cannot review against the folder "${path}": ${reason}`, {
    details: { path, reason },
    hint: "Put the folder back where it was when the sandbox started",
  });
}
