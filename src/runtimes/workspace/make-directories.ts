/**
 * Makes directories below an open one, without following a link.
 *
 * @module
 */
import { fchownSync, mkdirSync } from "node:fs";
import process from "node:process";
import { childPath, closeDirectory, type Directory, openChild } from "./directory.ts";
import type { Agent } from "./ownership.ts";
import { errnoOf } from "./walk.ts";

/** Makes what is missing of `components` below `root`, for `owner`. */
export function makeDirectories(root: Directory, components: readonly string[], owner: Agent): void {
  let at = root;
  try {
    for (const component of components) {
      const name = Buffer.from(component);
      const made = makeOne(at, name);
      const next = openChild(at, name);
      if (at !== root) closeDirectory(at);
      at = next;
      if (made && process.geteuid?.() === 0) fchownSync(at.fd, owner.uid, owner.gid);
    }
  } finally {
    if (at !== root) closeDirectory(at);
  }
}

function makeOne(parent: Directory, name: Buffer): boolean {
  try {
    mkdirSync(childPath(parent, name), 0o755);
    return true;
  } catch (error) {
    // Whatever is there now is opened without following a link next.
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}
