/**
 * Makes directories below an open one, without following a link.
 *
 * @module
 */
import { fchownSync } from "node:fs";
import process from "node:process";
import { closeDirectory, type Directory, makeChild, openChild } from "./directory.ts";
import type { Agent } from "./ownership.ts";

/** Makes what is missing of `components` below `root`, for `owner`. */
export function makeDirectories(root: Directory, components: readonly string[], owner: Agent): void {
  let at = root;
  try {
    for (const component of components) {
      const name = Buffer.from(component);
      const made = makeChild(at, name);
      const next = openChild(at, name);
      if (at !== root) closeDirectory(at);
      at = next;
      if (made && process.geteuid?.() === 0) fchownSync(at.fd, owner.uid, owner.gid);
    }
  } finally {
    if (at !== root) closeDirectory(at);
  }
}
