/**
 * The files of the project that stages begin with: looked at, without following a link, and kept.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { fstatSync, type Stats } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { SandboxError } from "../errors.ts";
import {
  type BaselineEntries,
  type BaselineEntry,
  closeDirectory,
  componentsOf,
  type Directory,
  hostIdentity,
  isSameHost,
  openChild,
  openRoot,
  select,
  statChild,
} from "../runtimes/workspace/mod.ts";
import { emptyReport, walk } from "../runtimes/workspace/walk.ts";
import { chunksOf } from "./chunks.ts";
import { type Manifest, type ManifestEntry, sorted } from "./manifest.ts";
import type { Store } from "./store.ts";

/** The project's folder, as it was found. */
export interface ProjectFolder {
  /** Without symlinks. */
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** What was seen of the project. */
export interface Look {
  readonly manifest: Manifest;
  /** The same for a review: what writing back compares with. */
  readonly entries: BaselineEntries;
}

const FILES_MAX = 200_000;
const BYTES_MAX = 8 * 2 ** 30;

/** Finds the folder. */
export async function openProject(path: string): Promise<ProjectFolder> {
  const real = await realpath(resolve(path)).catch((cause: unknown) => {
    throw unusable(path, "it does not exist", cause);
  });
  const stats = await lstat(real);
  if (!stats.isDirectory()) throw unusable(path, "it is not a folder");
  return { path: real, device: stats.dev, inode: stats.ino };
}

/**
 * Looks at paths of the project, and keeps the contents if there is a store. A path that is not there is an error unless
 * `optional` says so.
 */
export async function lookAtProject(
  project: ProjectFolder,
  paths: readonly string[],
  { store, optional = false }: { readonly store?: Store; readonly optional?: boolean } = {},
): Promise<Look> {
  const root = openRoot(project.path);
  try {
    const { dev, ino } = fstatSync(root.fd);
    if (dev !== project.device || ino !== project.inode)
      throw unusable(project.path, "another folder has its path now");
    if (!optional) for (const path of paths) requireThere(root, path);
    return await lookAt(root, paths, store);
  } finally {
    closeDirectory(root);
  }
}

async function lookAt(root: Directory, paths: readonly string[], store: Store | undefined): Promise<Look> {
  const found: ManifestEntry[] = [];
  const entries: BaselineEntries = new Map();
  if (paths.length === 0) return { manifest: found, entries };
  const report = emptyReport();
  let bytes = 0;
  for (const each of walk(root, select(paths.map((relative) => ({ relative, access: "write" }))), report)) {
    if (each.access === "ancestor" || each.path.length === 0) continue;
    const path = each.path.toString();
    if (!Buffer.from(path).equals(each.path)) throw unusable(path, "its name is not UTF-8");
    if (found.length >= FILES_MAX) throw unusable(path, `the inputs are more than ${FILES_MAX} files`);
    if (each.kind === "directory") found.push({ kind: "folder", path });
    else if (each.kind === "symlink") {
      const target = each.target.toString();
      if (!Buffer.from(target).equals(each.target)) throw unusable(path, "what this link says is not UTF-8");
      found.push({ kind: "symlink", path, target });
      entries.set(each.path.toString("latin1"), baselineOf(each.stats, { kind: "symlink", target: each.target }));
    } else {
      bytes += each.stats.size;
      if (bytes > BYTES_MAX) throw unusable(path, `the inputs have more than ${BYTES_MAX} bytes`);
      const sha256 = await contentOf(each.fd, each.stats, path, store);
      const mode = each.stats.mode & 0o777;
      found.push({ kind: "file", path, mode, size: each.stats.size, sha256 });
      entries.set(each.path.toString("latin1"), baselineOf(each.stats, { kind: "file", sha256 }));
    }
  }
  if (report.special + report.unreadable + report.changed > 0) {
    const reason = "a socket, FIFO, device, or file that cannot be read or is being changed is among the inputs";
    throw unusable(paths.join(", "), reason);
  }
  return { manifest: sorted(found), entries };
}

async function contentOf(fd: number, stats: Stats, path: string, store: Store | undefined): Promise<string> {
  const content = chunksOf(fd);
  let sha256: string;
  if (store === undefined) {
    const hash = createHash("sha256");
    for (const chunk of content) hash.update(chunk);
    sha256 = hash.digest("hex");
  } else sha256 = (await store.put(content, false)).sha256;
  if (isSameHost(hostIdentity(fstatSync(fd)), hostIdentity(stats))) return sha256;
  throw unusable(path, "it was changed while it was read");
}

function baselineOf(stats: Stats, about: Pick<BaselineEntry, "kind" | "target" | "sha256">): BaselineEntry {
  return { ...about, mode: stats.mode & 0o777, size: stats.size, host: hostIdentity(stats) };
}

function requireThere(root: Directory, path: string): void {
  const names = componentsOf(path).map((name) => Buffer.from(name));
  let at = root;
  try {
    for (const [index, name] of names.entries()) {
      const stats = statChild(at, name);
      if (stats === undefined) throw unusable(path, "it does not exist");
      if (index === names.length - 1) return;
      if (!stats.isDirectory()) throw unusable(path, "something on the way to it is not a folder");
      const above = at;
      at = openChild(above, name);
      if (above !== root) closeDirectory(above);
    }
  } finally {
    if (at !== root) closeDirectory(at);
  }
}

function unusable(path: string, reason: string, cause?: unknown): SandboxError<"WORKSPACE_UNUSABLE"> {
  return new SandboxError("WORKSPACE_UNUSABLE", `Cannot begin a pipeline with "${path}" of the project: ${reason}`, {
    details: { path, reason },
    hint: "Name files and folders of the project as inputs",
    ...(cause === undefined ? {} : { cause }),
  });
}
