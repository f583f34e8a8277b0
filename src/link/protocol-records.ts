/**
 * The protocol's records: what stands one after the other inside a stream of bytes.
 *
 * @module
 */

/** Records inside a data stream, each preceded by its length as u32. */
export const RECORDS = {
  /** Results of `list` and `stat`. */
  entry: {
    kind: "u8",
    mode: "u32",
    uid: "u32",
    size: "u64",
    mtimeSeconds: "u64",
    mtimeNanoseconds: "u32",
    name: "bytes",
    target: "bytes",
  },
  /** An entry of a tree. `sha256` is empty unless it is a file that changed after the time that was asked about. */
  scanned: {
    kind: "u8",
    problem: "u8",
    mode: "u32",
    size: "u64",
    inode: "u64",
    ctimeSeconds: "u64",
    ctimeNanoseconds: "u32",
    path: "bytes",
    target: "bytes",
    sha256: "bytes",
  },
  /**
   * One entry of a tree, parents first, as `pack` writes and `unpack` reads them; `path` is below the tree's top, which is
   * empty. A file's is followed by its content: pieces, each preceded by its length as u32, and a length of 0. `failure`, an errno: it
   * was passed over (`pack`), or this is where it failed, and the whole answer (`unpack`).
   */
  treeEntry: {
    kind: "u8",
    mode: "u32",
    failure: "u32",
    size: "u64",
    mtimeSeconds: "u64",
    mtimeNanoseconds: "u32",
    path: "bytes",
    target: "bytes",
  },
  /**
   * What `copy` answers with: each file and symlink that may be written, in no order. The last is a `copyEnd`,
   * of kind 0.
   */
  copied: {
    kind: "u8",
    mode: "u32",
    size: "u64",
    device: "u64",
    inode: "u64",
    mtimeSeconds: "u64",
    mtimeNanoseconds: "u32",
    ctimeSeconds: "u64",
    ctimeNanoseconds: "u32",
    copyInode: "u64",
    copyCtimeMs: "u64",
    path: "bytes",
    target: "bytes",
  },
  /** With an errno, and where, if it failed. Counts of what was left out, or became something else meanwhile. */
  copyEnd: { kind: "u8", failure: "u32", special: "u64", unreadable: "u64", changed: "u64", path: "bytes" },
  /** What `watch` answers with, `ready` first. `from`: of `renamed`, what it was called. Both are below the top. */
  change: { kind: "u8", directory: "u8", path: "bytes", from: "bytes" },
} as const;
