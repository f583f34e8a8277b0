/**
 * What a stage made, as a review sees a workspace: so that what is shown and what is written back is what was stored.
 *
 * @module
 */

import type { ScannedEntry, ScanOptions, Tree } from "../review/mod.ts";
import { ancestorsOf } from "../review/paths.ts";
import type { Manifest } from "./manifest.ts";
import { isWithin } from "./paths.ts";
import type { Store } from "./store.ts";

/** {@link Tree} over stored files. It can be read, and not changed. */
export class StoreTree implements Tree {
  readonly #store: Store;
  readonly #entries: ReadonlyMap<string, Manifest[number]>;

  constructor(store: Store, entries: Manifest) {
    this.#store = store;
    this.#entries = new Map(entries.map((each) => [latin1(each.path), each]));
  }

  async *scan(root: string, { maxFileBytes }: ScanOptions): AsyncGenerator<ScannedEntry[]> {
    const inside = [...this.#entries].filter(([path]) => isWithin(path, root));
    const folders = new Set(inside.flatMap(([path]) => ancestorsOf(path)));
    const found: ScannedEntry[] = [...folders].map((path) => ({
      ...UNKNOWN,
      kind: "directory",
      path,
      mode: 0o755,
      size: 0,
    }));
    for (const [path, each] of inside) {
      if (each.kind === "file") {
        const { mode, size, sha256 } = each;
        const problem = size > maxFileBytes ? ({ problem: "too-large" } as const) : {};
        found.push({ ...UNKNOWN, kind: "file", path, mode, size, sha256, ...problem });
      } else if (each.kind === "symlink") {
        const target = Buffer.from(each.target);
        found.push({ ...UNKNOWN, kind: "symlink", path, mode: 0o777, size: target.length, target });
      }
    }
    yield found;
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    const each = this.#entries.get(path);
    if (each?.kind === "file") yield* this.#store.read(each);
  }

  remove(): Promise<void> {
    return Promise.reject(new Error("what was stored is not changed"));
  }

  write(): Promise<void> {
    return this.remove();
  }

  link(): Promise<void> {
    return this.remove();
  }
}

const UNKNOWN = { inode: 0, ctimeMs: 0 } as const;

function latin1(path: string): string {
  return Buffer.from(path).toString("latin1");
}
