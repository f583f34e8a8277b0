/**
 * The tree that the layers of an image make, in memory: names, links and modes; contents lie in files apart. Nothing is ever
 * looked up by a path of the host, so no entry can lead out of the tree.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 * @module
 */
import { Malformed } from "./failure.ts";
import type { TarEntry } from "./tar.ts";

/** A directory. */
export interface ImageFolder {
  readonly kind: "folder";
  mode: number;
  mtimeMs: number;
  layer: number;
  readonly children: Map<string, ImageNode>;
}

/** A file; hard links share the content, whose mode and time are on the disk. */
export interface ImageFile {
  readonly kind: "file";
  readonly content: number;
  readonly layer: number;
}

/** A symlink. */
export interface ImageLink {
  readonly kind: "link";
  readonly target: string;
  readonly layer: number;
}

/** What a name of the tree is. */
export type ImageNode = ImageFolder | ImageFile | ImageLink;

/** How many directories, files and links all layers may make. Large images have some hundred thousand. */
const NODES_MAX = 1_000_000;
const PATH_BYTES_MAX = 2048;
const NAME_BYTES_MAX = 255;
const TARGET_BYTES_MAX = 4095;
const LINKS_MAX = 40;
/** How deep folders may lie in each other: symlinks make paths longer than any name. */
const DEPTH_MAX = 1000;

/** Names of layers that say what is gone. */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** What the union file system of old engines kept for itself. */
const RESERVED = ".wh..wh.";

/** A tree, built layer by layer. */
export class ImageTree {
  readonly root: ImageFolder = { kind: "folder", mode: 0o755, mtimeMs: 0, layer: 0, children: new Map() };
  #layer = 0;
  #nodes = 0;
  #contents = 0;

  /** What comes now lies above what has come so far. */
  beginLayer(): void {
    this.#layer++;
  }

  /**
   * Takes an entry of the current layer. Devices, FIFOs and sockets are left out.
   *
   * @returns the number of the content that belongs to it, where it is a file with one.
   * @throws {Malformed} If it lies outside, or is of a kind that is not known.
   */
  add({ name, type, mode, mtime, linkname }: TarEntry["header"]): number | undefined {
    const parts = componentsOf(name);
    const last = parts.pop();
    // The mode of the top itself is of no interest: it is not shown.
    if (last === undefined) return undefined;
    if (last.startsWith(WHITEOUT)) return this.#whiteOut(parts, last);
    const layer = this.#layer;
    switch (type) {
      case "directory":
        this.#addFolder(this.#folderAt(parts), last, { mode: modeOf(mode, 0o755), mtimeMs: timeOf(mtime) });
        return undefined;
      case "file":
      case "contiguous-file": {
        const content = this.#contents++;
        this.#put(this.#folderAt(parts), last, { kind: "file", content, layer });
        return content;
      }
      case "symlink":
        this.#put(this.#folderAt(parts), last, { kind: "link", target: targetOf(name, linkname), layer });
        return undefined;
      case "link":
        this.#put(this.#folderAt(parts), last, this.#linked(name, linkname ?? ""));
        return undefined;
      case "character-device":
      case "block-device":
      case "fifo":
        return undefined;
      default:
        throw new Malformed(`${JSON.stringify(name)} is of a kind that is not known`);
    }
  }

  #addFolder(parent: ImageFolder, name: string, { mode, mtimeMs }: Pick<ImageFolder, "mode" | "mtimeMs">): void {
    const known = parent.children.get(name);
    if (known?.kind !== "folder") {
      this.#put(parent, name, { kind: "folder", mode, mtimeMs, layer: this.#layer, children: new Map() });
    } else Object.assign(known, { mode, mtimeMs, layer: this.#layer });
  }

  #put(parent: ImageFolder, name: string, node: ImageNode): void {
    if (++this.#nodes > NODES_MAX) throw new Malformed(`it has more than ${NODES_MAX} files`);
    parent.children.set(name, node);
  }

  /** Another name of what an earlier entry made. */
  #linked(name: string, target: string): ImageNode {
    const parts = componentsOf(target);
    const last = parts.pop() ?? "";
    const node = this.#find(parts)?.children.get(last);
    if (node === undefined || node.kind === "folder") {
      throw new Malformed(`${JSON.stringify(name)} is a link to ${JSON.stringify(target)}, which is no file of it`);
    }
    return { ...node, layer: this.#layer };
  }

  #whiteOut(parts: readonly string[], name: string): undefined {
    const parent = this.#find(parts);
    if (parent === undefined) return;
    if (name === OPAQUE) this.#prune(parent);
    else if (!name.startsWith(RESERVED)) this.#remove(parent, name.slice(WHITEOUT.length));
  }

  /** Only what lower layers have brought goes: in which order a layer names things does not matter. */
  #remove(parent: ImageFolder, name: string): void {
    const node = parent.children.get(name);
    if (node?.kind === "folder") this.#prune(node);
    if (node === undefined || node.layer === this.#layer) return;
    if (node.kind !== "folder" || node.children.size === 0) parent.children.delete(name);
  }

  #prune(folder: ImageFolder): void {
    for (const name of [...folder.children.keys()]) this.#remove(folder, name);
  }

  /** The folder of that path, with symlinks followed as inside the image. What is missing is made. */
  #folderAt(parts: readonly string[]): ImageFolder {
    const found = this.#walk(parts, (parent, name) => {
      const made: ImageFolder = { kind: "folder", mode: 0o755, mtimeMs: 0, layer: this.#layer, children: new Map() };
      this.#put(parent, name, made);
      return made;
    });
    if (found === undefined) throw new Malformed(`${JSON.stringify(parts.join("/"))} is no directory`);
    return found;
  }

  #find(parts: readonly string[]): ImageFolder | undefined {
    return this.#walk(parts, () => undefined);
  }

  #walk(
    parts: readonly string[],
    missing: (parent: ImageFolder, name: string) => ImageFolder | undefined,
  ): ImageFolder | undefined {
    let path: ImageFolder[] = [];
    const rest = [...parts];
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      const here = path.at(-1) ?? this.root;
      // Of a symlink: above the top is the top.
      if (part === "..") {
        path.pop();
        continue;
      }
      const node = here.children.get(part) ?? missing(here, part);
      if (node === undefined || node.kind === "file") return undefined;
      if (path.length === DEPTH_MAX) throw new Malformed(`its folders lie more than ${DEPTH_MAX} deep in each other`);
      if (node.kind === "folder") path.push(node);
      else {
        if (++links > LINKS_MAX) return undefined;
        if (node.target.startsWith("/")) path = [];
        rest.unshift(...node.target.split("/").filter((each) => each !== "" && each !== "."));
      }
    }
    return path.at(-1) ?? this.root;
  }
}

/** The names of a path below the top. */
function componentsOf(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const long =
    Buffer.byteLength(path) > PATH_BYTES_MAX || parts.some((part) => Buffer.byteLength(part) > NAME_BYTES_MAX);
  if (long) throw new Malformed(`${JSON.stringify(path.slice(0, 100))}... is too long for a path`);
  if (parts.includes("..") || path.includes("\0")) throw new Malformed(`${JSON.stringify(path)} lies outside of it`);
  return parts;
}

function targetOf(name: string, target: string | null | undefined): string {
  if (!target || target.includes("\0") || Buffer.byteLength(target) > TARGET_BYTES_MAX) {
    throw new Malformed(`${JSON.stringify(name)} is a symlink to nothing that a symlink can name`);
  }
  return target;
}

/** Without set-id and sticky bits. */
export function modeOf(mode: number | undefined, otherwise: number): number {
  return mode === undefined || !Number.isFinite(mode) ? otherwise : mode & 0o777;
}

/** In milliseconds; what no file system can hold is the beginning of time. */
export function timeOf(mtime: Date | undefined): number {
  const ms = mtime?.getTime() ?? 0;
  return ms >= 0 && ms < 2 ** 32 * 1000 ? ms : 0;
}
