/**
 * A tree of an image on the disk.
 *
 * @module
 */
import { chmodSync, linkSync, mkdirSync, renameSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ImageFolder } from "./image-tree.ts";

/** How many names are made before others have a turn. */
const BATCH = 500;

/** Makes it at `top`, which does not exist. Symlinks are only made, never followed: each folder is this call's own. */
export async function buildTree(root: ImageFolder, top: string, contents: string): Promise<void> {
  const placed = new Map<number, string>();
  let names = 0;
  const build = async (folder: ImageFolder, path: string): Promise<void> => {
    mkdirSync(path, { mode: 0o700 });
    for (const [name, node] of folder.children) {
      if (++names % BATCH === 0) await setImmediate();
      const at = join(path, name);
      if (node.kind === "folder") await build(node, at);
      else if (node.kind === "link") symlinkSync(node.target, at);
      else place(node.content, at);
    }
    // At last: it may be one that nobody can write to.
    const seconds = folder.mtimeMs / 1000;
    utimesSync(path, seconds, seconds);
    chmodSync(path, folder.mode);
  };
  const place = (content: number, at: string): void => {
    const first = placed.get(content);
    if (first === undefined) renameSync(join(contents, String(content)), at);
    else linkSync(first, at);
    placed.set(content, first ?? at);
  };
  await build(root, top);
}
