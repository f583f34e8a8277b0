/**
 * The baseline of an overlay: the host's folder itself, for the sandbox's changes all lie in a layer above it.
 *
 * @module
 */
import {
  type Baseline,
  type BaselineEntries,
  type BaselineEntry,
  hostIdentity,
  isSameHost,
  type LoadedBaseline,
  TICK_MS,
  tellsChanges,
  writeRoots,
} from "./baseline.ts";
import { closeDirectory, type Directory, listNames, openChild, openRoot, readLink, statChild } from "./directory.ts";
import { componentsOf, type WorkspaceGrant } from "./select.ts";

/** Looks at the host's folder each time that somebody asks. */
export class OverlayBaseline implements Baseline {
  readonly folder: Baseline["folder"];
  readonly roots: readonly string[];
  readonly #startedMs = Date.now();
  readonly #sinceMs: number;
  /** What was written back: the host has changed it, and still it is known. */
  readonly #learnt = new Map<string, BaselineEntry>();

  constructor(folder: Baseline["folder"], grants: readonly WorkspaceGrant[], upper: string) {
    this.folder = folder;
    this.roots = writeRoots(grants);
    this.#sinceMs = tellsChanges(upper) ? this.#startedMs - TICK_MS : 0;
  }

  load(): Promise<LoadedBaseline> {
    const entries: BaselineEntries = new Map();
    if (this.folder !== undefined) {
      const root = openRoot(this.folder.path);
      try {
        for (const below of this.roots) this.#enter(root, componentsOf(below).map(bytesOf), "", entries);
      } finally {
        closeDirectory(root);
      }
    }
    return Promise.resolve({ entries, sinceMs: this.#sinceMs });
  }

  learn(path: string, entry: BaselineEntry | undefined): void {
    if (entry === undefined) this.#learnt.delete(path);
    else this.#learnt.set(path, entry);
  }

  /** Goes down to a root, and takes what is there. */
  #enter(at: Directory, names: readonly Buffer[], path: string, entries: BaselineEntries): void {
    const [name, ...rest] = names;
    if (name === undefined) {
      this.#takeAll(at, path, entries);
      return;
    }
    const here = join(path, name);
    if (rest.length === 0 && statChild(at, name)?.isDirectory() !== true) {
      this.#take(at, name, here, entries);
      return;
    }
    const below = tryOpen(at, name);
    if (below === undefined) return;
    try {
      this.#enter(below, rest, here, entries);
    } finally {
      closeDirectory(below);
    }
  }

  #takeAll(directory: Directory, path: string, entries: BaselineEntries): void {
    for (const name of listNames(directory)) this.#take(directory, name, join(path, name), entries);
  }

  #take(directory: Directory, name: Buffer, path: string, entries: BaselineEntries): void {
    const stats = statChild(directory, name);
    if (stats?.isDirectory()) {
      const below = tryOpen(directory, name);
      if (below === undefined) return;
      try {
        this.#takeAll(below, path, entries);
      } finally {
        closeDirectory(below);
      }
      return;
    }
    if (stats === undefined || !(stats.isFile() || stats.isSymbolicLink())) return;
    const host = hostIdentity(stats);
    const learnt = this.#learnt.get(path);
    if (learnt !== undefined && isSameHost(learnt.host, host)) {
      entries.set(path, learnt);
      return;
    }
    entries.set(path, {
      kind: stats.isFile() ? "file" : "symlink",
      mode: stats.mode & 0o7777,
      size: stats.size,
      host,
      // What nobody has written to is in the sandbox what it is on the host.
      copy: { inode: stats.ino, ctimeMs: Math.floor(stats.ctimeMs) },
      ...(stats.isFile() ? {} : { target: readLink(directory, name) }),
      ...(stats.ctimeMs > this.#startedMs ? { changedSince: true } : {}),
    });
  }
}

/** One that went, or became something else, is none. */
function tryOpen(directory: Directory, name: Buffer): Directory | undefined {
  try {
    return openChild(directory, name);
  } catch {
    return undefined;
  }
}

function join(path: string, name: Buffer): string {
  const text = name.toString("latin1");
  return path === "" ? text : `${path}/${text}`;
}

function bytesOf(name: string): Buffer {
  return Buffer.from(name);
}
