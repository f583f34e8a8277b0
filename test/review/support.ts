/**
 * A review of real folders of this host, with a tree that tests can disturb.
 */
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Review, type ScannedEntry, type Tree } from "../../src/review/mod.ts";
import { copyWorkspace } from "../../src/runtimes/local/copy.ts";
import { BaselineRecorder } from "../../src/runtimes/workspace/mod.ts";
import { withLauncher } from "../runtimes/local/launcher.ts";

/** Reads and writes a folder as the warden does. */
export class DiskTree implements Tree {
  /** Called before a file is read. */
  onRead: (path: string) => void = () => undefined;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async *scan(root: string): AsyncGenerator<ScannedEntry[]> {
    yield [...this.#entries(root === "." ? "" : root)];
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    this.onRead(path);
    yield readFileSync(this.#at(path));
  }

  async remove(path: string): Promise<void> {
    rmSync(this.#at(path), { recursive: true, force: true });
  }

  async write(path: string, mode: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    mkdirSync(dirname(this.#at(path)), { recursive: true });
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    writeFileSync(this.#at(path), Buffer.concat(chunks), { mode });
  }

  async link(path: string, target: Buffer): Promise<void> {
    symlinkSync(target, this.#at(path));
  }

  #at(path: string): string {
    return join(this.#folder, path);
  }

  *#entries(path: string): Generator<ScannedEntry> {
    const stats = lstatSync(this.#at(path));
    const facts = {
      path,
      mode: stats.mode & 0o7777,
      size: stats.size,
      inode: stats.ino,
      ctimeMs: Math.floor(stats.ctimeMs),
    };
    if (stats.isSymbolicLink()) yield { ...facts, kind: "symlink", target: Buffer.from(readlinkSync(this.#at(path))) };
    else if (stats.isFile()) {
      const sha256 = createHash("sha256")
        .update(readFileSync(this.#at(path)))
        .digest("hex");
      yield { ...facts, kind: "file", sha256 };
    } else {
      yield { ...facts, kind: "directory" };
      for (const name of readdirSync(this.#at(path)).sort())
        yield* this.#entries(path === "" ? name : `${path}/${name}`);
    }
  }
}

/** A folder of the host, a copy of it, and their review. */
export interface Bench {
  readonly folder: string;
  readonly copy: string;
  readonly tree: DiskTree;
  readonly review: Review;
}

/** Makes a folder of these files, and a copy. */
export async function reviewOf(files: Readonly<Record<string, string>>): Promise<Bench> {
  const scratch = mkdtempSync(join(tmpdir(), "cofferdam-review-"));
  const [folder, copy] = [join(scratch, "folder"), join(scratch, "copy")];
  for (const each of [folder, copy]) mkdirSync(each);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const grants = [{ relative: ".", access: "write" }] as const;
  const recorder = new BaselineRecorder();
  const options = { uid: 0, gid: 0, grants, chown: false, baseline: recorder };
  await withLauncher((launcher) => copyWorkspace(launcher, folder, copy, options));
  const { dev: device, ino: inode } = lstatSync(folder);
  const tree = new DiskTree(copy);
  return { folder, copy, tree, review: new Review(recorder.baseline({ path: folder, device, inode }, grants), tree) };
}

export function forget({ folder }: Bench): void {
  rmSync(dirname(folder), { recursive: true, force: true });
}
