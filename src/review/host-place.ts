/**
 * One place of the host's folder that is written: its folder is held open, so that nobody can swap it for a link meanwhile.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { fchownSync, fstatSync, fsyncSync, linkSync, renameSync, type Stats, unlinkSync } from "node:fs";
import process from "node:process";
import {
  type BaselineEntry,
  childPath,
  closeDirectory,
  type Directory,
  errnoOf,
  hostIdentity,
  isSameContent,
  isSameHost,
  makeChild,
  openChild,
  statChild,
} from "../runtimes/workspace/mod.ts";
import type { HostFolder } from "./host-folder.ts";
import { componentsOf } from "./paths.ts";
import { Refusal } from "./refusal.ts";

/** File systems without hard links. */
const NO_LINKS = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK"]);

/** A name in a folder that is open. */
export class HostPlace {
  readonly parent: Directory;
  readonly #name: Buffer;
  readonly #owned: boolean;

  private constructor(parent: Directory, name: Buffer, owned: boolean) {
    this.parent = parent;
    this.#name = name;
    this.#owned = owned;
  }

  /** Opens the folder of a path, making those that are missing if `make` says so. */
  static open(folder: HostFolder, path: string, make: boolean): HostPlace {
    const names = componentsOf(path);
    const name = names.pop() as Buffer;
    let at = folder.root;
    for (const each of names) {
      const above = at;
      try {
        if (make) makeFolder(above, each);
        at = openChild(above, each);
      } catch (error) {
        throw new Refusal("blocked", `${JSON.stringify(each.toString())} on the way to it is not a folder`, error);
      } finally {
        if (above !== folder.root) closeDirectory(above);
      }
    }
    return new HostPlace(at, name, at !== folder.root);
  }

  close(): void {
    if (this.#owned) closeDirectory(this.parent);
  }

  get path(): Buffer {
    return childPath(this.parent, this.#name);
  }

  get name(): Buffer {
    return this.#name;
  }

  stats(): Stats | undefined {
    return statChild(this.parent, this.#name);
  }

  /** A path in the same folder that nothing has. */
  temporary(): Buffer {
    return childPath(this.parent, Buffer.from(`.cofferdam-${randomBytes(9).toString("base64url")}`));
  }

  /** Refuses unless what is there is what the sandbox began with. */
  expect(before: BaselineEntry | undefined): Stats | undefined {
    const stats = this.stats();
    if (before === undefined) {
      if (stats !== undefined) throw new Refusal("host-changed", "there is something by that name by now");
      return undefined;
    }
    if (stats === undefined) throw new Refusal("host-changed", "it was deleted");
    if (before.changedSince || !isSameHost(hostIdentity(stats), before.host))
      throw new Refusal("host-changed", "it was changed");
    return stats;
  }

  /** Puts `temporary` in place of what the sandbox began with. */
  put(temporary: Buffer, before: BaselineEntry | undefined): void {
    this.expect(before);
    if (before !== undefined) {
      renameSync(temporary, this.path);
      return;
    }
    try {
      // Unlike a rename it fails where something is.
      linkSync(temporary, this.path);
    } catch (error) {
      if (errnoOf(error) === "EEXIST")
        throw new Refusal("host-changed", "there is something by that name by now", error);
      if (!NO_LINKS.has(errnoOf(error) ?? "")) throw error;
      this.expect(undefined);
      renameSync(temporary, this.path);
      return;
    }
    unlinkSync(temporary);
  }

  /** Removes what the sandbox began with. It is moved aside first, so that what comes in its place at the last moment stays. */
  remove(before: BaselineEntry): void {
    this.expect(before);
    const aside = this.temporary();
    renameSync(this.path, aside);
    const moved = statChild(this.parent, aside.subarray(this.parent.base.length));
    if (moved === undefined || !isSameContent(hostIdentity(moved), before.host)) {
      if (this.stats() === undefined) renameSync(aside, this.path);
      throw new Refusal("host-changed", "it was changed while it was removed");
    }
    unlinkSync(aside);
  }

  /** Makes what was done here outlast a crash. */
  sync(): void {
    fsyncSync(this.parent.fd);
  }
}

function makeFolder(parent: Directory, name: Buffer): void {
  if (!makeChild(parent, name) || process.geteuid?.() !== 0) return;
  const made = openChild(parent, name);
  try {
    const { uid, gid } = ownerOf(parent);
    fchownSync(made.fd, uid, gid);
  } finally {
    closeDirectory(made);
  }
}

/** Who owns what is new in a folder. */
export function ownerOf(parent: Directory): { readonly uid: number; readonly gid: number } {
  const { uid, gid } = fstatSync(parent.fd);
  return { uid, gid };
}
