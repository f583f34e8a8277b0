/**
 * The virtual tree: folders and files without links, owners or modes.
 *
 * @module
 */
import { posix } from "node:path";
import { HOME_PATH, WORKSPACE_PATH } from "../../policy/core.ts";
import { type Guest, GuestError, type GuestProgram } from "./guest.ts";

/** A file, which may be a program. */
export interface FileNode {
  readonly kind: "file";
  readonly data: Buffer;
  readonly program?: GuestProgram;
  readonly changedMs: number;
}

/** What a path names. */
export type Node = FileNode | { readonly kind: "directory"; readonly changedMs: number };

const FOLDERS = ["/tmp", "/var/tmp", "/usr/bin", "/etc", HOME_PATH, WORKSPACE_PATH];

/** Canonical absolute paths and what they name. */
export class Tree {
  readonly #nodes = new Map<string, Node>([["/", directory()]]);

  constructor({ files = {}, programs = {} }: Guest) {
    for (const path of FOLDERS) this.makeParents(path, true);
    for (const [path, data] of Object.entries(files)) this.#place(resolvePath(WORKSPACE_PATH, path), data);
    for (const [name, program] of Object.entries(programs)) {
      this.#place(name.includes("/") ? resolvePath(WORKSPACE_PATH, name) : `/usr/bin/${name}`, "", program);
    }
  }

  at(path: string): Node | undefined {
    return this.#nodes.get(path);
  }

  /** The node there, or the error that a kernel would give. */
  find(path: string): Node {
    const node = this.at(path);
    if (node !== undefined) return node;
    throw new GuestError(this.#parentProblem(path) ?? "ENOENT", path);
  }

  /** Fails unless something can be made there. */
  checkParent(path: string): void {
    const problem = this.#parentProblem(path);
    if (problem !== undefined) throw new GuestError(problem, path);
  }

  write(path: string, data: string | Uint8Array): void {
    this.#nodes.set(path, { kind: "file", data: Buffer.from(data), changedMs: Date.now() });
  }

  makeDirectory(path: string): void {
    this.#nodes.set(path, directory());
  }

  /** The folders above a path that are missing, the outermost first; they are made where `make` says so. */
  makeParents(path: string, itself = false): void {
    const missing: string[] = [];
    for (let each = itself ? path : posix.dirname(path); !this.#nodes.has(each); each = posix.dirname(each)) {
      missing.unshift(each);
    }
    for (const each of missing) this.makeDirectory(each);
  }

  remove(path: string): void {
    this.#nodes.delete(path);
  }

  rename(from: string, to: string): void {
    this.#nodes.set(to, this.find(from));
    this.#nodes.delete(from);
  }

  /** The names in a folder, sorted. */
  names(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    return [...this.#nodes.keys()]
      .filter((each) => each.startsWith(prefix) && each !== "/" && !each.slice(prefix.length).includes("/"))
      .map((each) => each.slice(prefix.length))
      .sort();
  }

  /** Everything below a folder, the innermost first, and itself last. */
  below(path: string): string[] {
    const inside = [...this.#nodes.keys()].filter((each) => each.startsWith(`${path}/`));
    return [...inside.sort((a, b) => b.length - a.length), path];
  }

  #place(path: string, data: string | Uint8Array, program?: GuestProgram): void {
    this.makeParents(path);
    const file = { kind: "file", data: Buffer.from(data), changedMs: Date.now() } as const;
    this.#nodes.set(path, program === undefined ? file : { ...file, program });
  }

  #parentProblem(path: string): "ENOENT" | "ENOTDIR" | undefined {
    for (let each = posix.dirname(path); ; each = posix.dirname(each)) {
      const node = this.at(each);
      if (node?.kind === "file") return "ENOTDIR";
      if (node?.kind === "directory") return each === posix.dirname(path) ? undefined : "ENOENT";
    }
  }
}

/** An absolute path, canonical: there are no links, so `..` is what it says. */
export function resolvePath(cwd: string, path: string): string {
  const joined = posix.resolve(cwd, path);
  return joined === "" ? "/" : joined;
}

function directory(): Node {
  return { kind: "directory", changedMs: Date.now() };
}
