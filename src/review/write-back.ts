/**
 * Writes one change back to the host's folder: whole, or not at all.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lchownSync,
  openSync,
  rmdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import process from "node:process";
import { type BaselineEntry, hostIdentity, isSameHost, makeLink, openFile } from "../runtimes/workspace/mod.ts";
import type { Difference } from "./compare.ts";
import { type ContentSource, readChecked } from "./contents.ts";
import type { HostFolder } from "./host-folder.ts";
import { HostPlace, ownerOf } from "./host-place.ts";
import { mayLeadOut } from "./link-targets.ts";
import { ancestorsOf } from "./paths.ts";
import { Refusal } from "./refusal.ts";
import type { ScannedEntry } from "./tree.ts";

/** What writing back needs. */
export interface WriteBack extends ContentSource {
  readonly folder: HostFolder;
  readonly symlinks: "inside" | "any";
  /** The folders that the sandbox has. Others go when they become empty. */
  readonly folders: ReadonlySet<string>;
}

/** Writes a change; what the baseline has at its path from then on. */
export async function writeBack(to: WriteBack, difference: Difference): Promise<BaselineEntry | undefined> {
  const { kind, path, from, before, after, problem } = difference;
  if (problem !== undefined) throw new Refusal(problem, `it is ${problem}`);
  if (kind === "deleted" && before !== undefined) {
    removeOld(to, path, before);
    return undefined;
  }
  if (after === undefined) throw new Refusal("failed", "there is nothing to write");
  const old = kind === "renamed" ? undefined : before;
  const onlyMode = old?.kind === "file" && old.sha256 !== undefined && old.sha256 === after.sha256;
  // Before anything is written: half of a rename would be worse than none.
  if (from !== undefined && before !== undefined) inPlace(to, from, false, (place) => place.expect(before));
  const entry = onlyMode
    ? setMode(to, path, old, after)
    : after.kind === "symlink"
      ? putLink(to, path, old, after)
      : await putFile(to, path, old, after);
  if (from !== undefined && before !== undefined) removeOld(to, from, before);
  return entry;
}

async function putFile(
  to: WriteBack,
  path: string,
  before: BaselineEntry | undefined,
  after: ScannedEntry,
): Promise<BaselineEntry> {
  const place = HostPlace.open(to.folder, path, before === undefined);
  try {
    const owner = place.expect(before) ?? ownerOf(place.parent);
    const temporary = place.temporary();
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await fill(fd, to, path, after);
      if (process.geteuid?.() === 0) fchownSync(fd, owner.uid, owner.gid);
      // After the owner, and never a set-id bit.
      fchmodSync(fd, after.mode & 0o777);
      fsyncSync(fd);
      place.put(temporary, before);
      place.sync();
      return entryOf(fstatSync(fd), after);
    } finally {
      closeSync(fd);
      rmSync(temporary, { force: true });
    }
  } finally {
    place.close();
  }
}

/** Writes what was shown, and nothing else. */
async function fill(fd: number, { tree }: WriteBack, path: string, after: ScannedEntry): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of readChecked(tree, path, after.size)) {
    hash.update(chunk);
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
  }
  if (hash.digest("hex") !== after.sha256) throw new Refusal("sandbox-changed", "the sandbox's file changed again");
}

function putLink(to: WriteBack, path: string, before: BaselineEntry | undefined, after: ScannedEntry): BaselineEntry {
  const target = after.target ?? Buffer.alloc(0);
  if (to.symlinks === "inside" && mayLeadOut(path, target)) {
    throw new Refusal(
      "link-leads-out",
      `it leads, or might lead, out of the folder: ${JSON.stringify(target.toString())}`,
    );
  }
  return inPlace(to, path, before === undefined, (place) => {
    const owner = place.expect(before) ?? ownerOf(place.parent);
    const temporary = place.temporary();
    makeLink(temporary, target);
    try {
      if (process.geteuid?.() === 0) lchownSync(temporary, owner.uid, owner.gid);
      place.put(temporary, before);
    } finally {
      rmSync(temporary, { force: true });
    }
    place.sync();
    const stats = place.stats();
    if (stats === undefined) throw new Refusal("host-changed", "it was removed at once");
    return entryOf(stats, after);
  });
}

function setMode(to: WriteBack, path: string, before: BaselineEntry, after: ScannedEntry): BaselineEntry {
  return inPlace(to, path, false, (place) => {
    place.expect(before);
    const fd = openFile(place.parent, place.name);
    try {
      if (!isSameHost(hostIdentity(fstatSync(fd)), before.host)) throw new Refusal("host-changed", "it was changed");
      fchmodSync(fd, after.mode & 0o777);
      return entryOf(fstatSync(fd), after);
    } finally {
      closeSync(fd);
    }
  });
}

function removeOld(to: WriteBack, path: string, before: BaselineEntry): void {
  inPlace(to, path, false, (place) => {
    place.remove(before);
    place.sync();
  });
  // Folders that the sandbox has no longer, as far as they are empty.
  for (const folder of ancestorsOf(path).reverse()) {
    if (to.folders.has(folder) || !isLookedAt(folder, to.folders)) return;
    try {
      inPlace(to, folder, false, (place) => rmdirSync(place.path));
    } catch {
      return;
    }
  }
}

/** Whether a folder lies in one that was looked at: others are not the sandbox's to remove. */
function isLookedAt(folder: string, folders: ReadonlySet<string>): boolean {
  return folders.has("") || ancestorsOf(folder).some((above) => folders.has(above));
}

function inPlace<T>(to: WriteBack, path: string, make: boolean, use: (place: HostPlace) => T): T {
  const place = HostPlace.open(to.folder, path, make);
  try {
    return use(place);
  } finally {
    place.close();
  }
}

function entryOf(stats: Parameters<typeof hostIdentity>[0], after: ScannedEntry): BaselineEntry {
  const { kind, mode, size, sha256, target, inode, ctimeMs } = after;
  return {
    kind: kind === "symlink" ? "symlink" : "file",
    // As the sandbox has it: a set-id bit that was left out is no change to be listed again, but shown is what is there.
    mode: mode & 0o7777,
    size,
    host: hostIdentity(stats),
    copy: { inode, ctimeMs },
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(target === undefined ? {} : { target }),
  };
}
