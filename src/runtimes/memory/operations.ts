/**
 * What can be done in the virtual tree: found, judged, then done. A guest's programs and the host's file operations share it.
 *
 * @module
 */
import { posix } from "node:path";
import { GuestError } from "./guest.ts";
import type { Caller, Judge } from "./judge.ts";
import type { FileNode, Tree } from "./tree.ts";

/** How a file is opened for writing: see open(2). */
export interface OpenOptions {
  readonly append?: boolean;
  readonly exclusive?: boolean;
}

/** Operations on canonical absolute paths. All throw {@link GuestError}. */
export class Operations {
  readonly #tree: Tree;
  readonly #judge: Judge;

  constructor(tree: Tree, judge: Judge) {
    this.#tree = tree;
    this.#judge = judge;
  }

  async read(caller: Caller, path: string): Promise<Buffer> {
    this.#file(path);
    const substitute = await this.#judge.access(caller, { action: "read", path });
    return substitute ?? this.#file(path).data;
  }

  async list(caller: Caller, path: string): Promise<string[]> {
    this.#directory(path);
    await this.#judge.access(caller, { action: "list", path });
    return this.#tree.names(path);
  }

  /** Begins a write: the file is there, and empty unless it is appended to. */
  async open(caller: Caller, path: string, { append = false, exclusive = false }: OpenOptions = {}): Promise<void> {
    const node = this.#tree.at(path);
    if (node?.kind === "directory") throw new GuestError("EISDIR", path);
    if (node !== undefined && exclusive) throw new GuestError("EEXIST", path);
    this.#tree.checkParent(path);
    await this.#judge.access(caller, { action: node === undefined ? "create" : "write", path });
    if (!append || node === undefined) this.#tree.write(path, "");
  }

  append(path: string, data: Uint8Array): void {
    this.#tree.write(path, Buffer.concat([this.#file(path).data, data]));
  }

  async mkdir(caller: Caller, path: string): Promise<void> {
    if (this.#tree.at(path) !== undefined) throw new GuestError("EEXIST", path);
    this.#tree.checkParent(path);
    await this.#judge.access(caller, { action: "create", path });
    this.#tree.makeDirectory(path);
  }

  /** Makes what is missing above a path, each judged. */
  async mkdirAbove(caller: Caller, path: string): Promise<void> {
    const parent = posix.dirname(path);
    if (this.#tree.at(parent) !== undefined) return;
    await this.mkdirAbove(caller, parent);
    await this.mkdir(caller, parent);
  }

  async remove(caller: Caller, path: string): Promise<void> {
    const node = this.#tree.find(path);
    await this.#judge.access(caller, { action: "delete", path });
    if (node.kind === "directory" && this.#tree.names(path).length > 0) throw new GuestError("ENOTEMPTY", path);
    this.#tree.remove(path);
  }

  async removeTree(caller: Caller, path: string): Promise<void> {
    this.#tree.find(path);
    for (const each of this.#tree.below(path)) await this.remove(caller, each);
  }

  async rename(caller: Caller, path: string, target: string): Promise<void> {
    const node = this.#tree.find(path);
    this.#tree.checkParent(target);
    if (node.kind === "directory") throw new GuestError("EOPNOTSUPP", path);
    if (this.#tree.at(target)?.kind === "directory") throw new GuestError("EISDIR", target);
    await this.#judge.access(caller, { action: "rename", path, target });
    this.#tree.rename(path, target);
  }

  #file(path: string): FileNode {
    const node = this.#tree.find(path);
    if (node.kind === "file") return node;
    throw new GuestError("EISDIR", path);
  }

  #directory(path: string): void {
    if (this.#tree.find(path).kind !== "directory") throw new GuestError("ENOTDIR", path);
  }
}
