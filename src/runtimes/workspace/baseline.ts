/**
 * What a workspace was when its sandbox started: what every change is a change from. The host keeps it, out of reach of the
 * sandbox.
 *
 * @module
 */
import { type Stats, statfsSync } from "node:fs";
import type { WorkspaceGrant } from "./select.ts";
import type { WalkEntry } from "./walk.ts";

/** An entry of the host's own folder. Where all of it is the same so is the content: nobody can set a change time. */
export interface HostIdentity {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** An entry of the copy, from before anybody in the sandbox could touch it. */
export interface CopyIdentity {
  readonly inode: number;
  readonly ctimeMs: number;
}

/** A file or symlink as it was. Directories are not kept: files make them. */
export interface BaselineEntry {
  readonly kind: "file" | "symlink";
  /** Permission bits in the sandbox. */
  readonly mode: number;
  readonly size: number;
  readonly target?: Buffer;
  readonly host: HostIdentity;
  /** Absent where the copy cannot be seen from here. */
  readonly copy?: CopyIdentity;
  /** Whether the host has changed it since the sandbox started: what it was before then nobody knows. */
  readonly changedSince?: boolean;
  /** Of its content in hexadecimal digits, once it is known. */
  sha256?: string;
}

/** The entries by path, as Latin-1, so that names are bytes. */
export type BaselineEntries = Map<string, BaselineEntry>;

/** What a sandbox's workspace is compared with. */
export interface Baseline {
  /** The host's folder; undefined for a workspace that began empty. */
  readonly folder: { readonly path: string; readonly device: number; readonly inode: number } | undefined;
  /** What may be written, outermost paths only. */
  readonly roots: readonly string[];
  /** Whatever the sandbox changed has a change time past this, in milliseconds since 1970; 0 where that is no evidence. */
  readonly sinceMs: number;
  /** True where it is plain that the sandbox has changed nothing yet, so that nobody has to look. Absent: that is never plain. */
  isUntouched?(): boolean;
  /** The entries below the roots. */
  load(): Promise<BaselineEntries>;
  /** What the host and the sandbox have at a path from now on; undefined: nothing. */
  learn(path: string, entry: BaselineEntry | undefined): void;
}

/** Clocks of file systems tick as seldom as every 10 ms: what is younger than this is looked at again. */
export const TICK_MS = 50;

/** Keeps what is copied while it is copied. */
export class BaselineRecorder {
  readonly entries: BaselineEntries = new Map();
  #sinceMs = 0;

  /** `mode` and `copy` are those of the copy. */
  add(entry: WalkEntry, mode: number, copy?: Stats): void {
    if (entry.access !== "write" || entry.kind === "directory") return;
    const { size } = entry.stats;
    this.entries.set(entry.path.toString("latin1"), {
      kind: entry.kind,
      mode: mode & 0o1777,
      size,
      host: hostIdentity(entry.stats),
      ...(entry.kind === "symlink" ? { target: entry.target } : {}),
      ...(copy === undefined ? {} : { copy: { inode: copy.ino, ctimeMs: Math.floor(copy.ctimeMs) } }),
    });
  }

  /** The same of an entry that somebody else copied; `path` is Latin-1. */
  keep(path: string, entry: BaselineEntry): void {
    this.entries.set(path, entry);
  }

  /** The copy in `folder` is whole. */
  finish(folder: string): void {
    this.#sinceMs = tellsChanges(folder) ? Date.now() - TICK_MS : 0;
  }

  baseline(folder: Baseline["folder"], grants: readonly WorkspaceGrant[]): Baseline {
    const { entries } = this;
    return {
      folder,
      roots: writeRoots(grants),
      sinceMs: this.#sinceMs,
      load: () => Promise.resolve(entries),
      learn: (path, entry) => void (entry === undefined ? entries.delete(path) : entries.set(path, entry)),
    };
  }
}

/** The folder of a workspace as it was looked at when the sandbox was asked for. */
export function folderOf(
  workspace:
    | { readonly path: string; readonly identity?: { readonly device: number; readonly inode: number } }
    | undefined,
): Baseline["folder"] {
  if (workspace?.identity === undefined) return undefined;
  return { path: workspace.path, ...workspace.identity };
}

/** The identity of an entry that was looked at. */
export function hostIdentity(stats: Stats): HostIdentity {
  return { device: stats.dev, inode: stats.ino, size: stats.size, mtimeMs: stats.mtimeMs, ctimeMs: stats.ctimeMs };
}

/** Whether an entry is still what it was. */
export function isSameHost(a: HostIdentity, b: HostIdentity): boolean {
  return isSameContent(a, b) && isSameTime(a.ctimeMs, b.ctimeMs, [1, 1000]);
}

/** The same of one that was renamed meanwhile, for the time of its status is another then. */
export function isSameContent(a: HostIdentity, b: HostIdentity): boolean {
  const isSameObject = a.device === b.device && a.inode === b.inode && a.size === b.size;
  return isSameObject && isSameTime(a.mtimeMs, b.mtimeMs, [1]);
}

/**
 * The launcher's times have fractions. Those of Deno are whole milliseconds, and whole seconds where they are of a status: two
 * times are the same if they are in the coarser of their units.
 */
function isSameTime(a: number, b: number, unitsMs: readonly number[]): boolean {
  const unit = unitsMs.findLast((each) => Number.isInteger(a / each) || Number.isInteger(b / each));
  return a === b || (unit !== undefined && Math.floor(a / unit) === Math.floor(b / unit));
}

/** The outermost of what may be written. */
export function writeRoots(grants: readonly WorkspaceGrant[]): string[] {
  const writable = grants.filter(({ access }) => access === "write").map(({ relative }) => relative);
  const inside = (inner: string, outer: string) => outer === "." || inner.startsWith(`${outer}/`);
  return [...new Set(writable)].filter((root) => !writable.some((other) => other !== root && inside(root, other)));
}

/** ext2 to ext4, XFS, Btrfs and F2FS, as statfs(2) numbers them. */
const TELLING = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010]);

/**
 * Whether every change of a file changes its change time here. In memory it does not: what is written through a mapping that
 * was read before is not noticed.
 */
export function tellsChanges(folder: string): boolean {
  try {
    return TELLING.has(statfsSync(folder).type);
  } catch {
    return false;
  }
}
