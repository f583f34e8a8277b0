/**
 * Finds a path below an open directory, without following a link.
 *
 * @module
 */
import { closeDirectory, type Directory, openChild, statChild } from "./directory.ts";

/** What a path is. `at` is the component that ended the search; `depth` how many components exist. */
export type Found =
  | { readonly kind: "file" | "directory" }
  | { readonly kind: "link" | "other"; readonly at: string }
  | { readonly kind: "missing"; readonly depth: number };

/** Finds `components` below `root`. */
export function find(root: Directory, components: readonly string[]): Found {
  let at = root;
  try {
    for (const [index, component] of components.entries()) {
      const name = Buffer.from(component);
      const stats = statChild(at, name);
      const here = components.slice(0, index + 1).join("/");
      if (stats === undefined) return { kind: "missing", depth: index };
      if (stats.isSymbolicLink()) return { kind: "link", at: here };
      const last = index === components.length - 1;
      if (last && stats.isFile()) return { kind: "file" };
      if (!stats.isDirectory()) return { kind: "other", at: here };
      const next = openChild(at, name);
      if (at !== root) closeDirectory(at);
      at = next;
    }
    return { kind: "directory" };
  } finally {
    if (at !== root) closeDirectory(at);
  }
}
