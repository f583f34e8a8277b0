/**
 * Reviews: what a sandbox changed in its workspace, and what of it reaches the host's folder.
 *
 * @module
 */
export type { ApplyObserver } from "./apply.ts";
export { MAX_FILE_BYTES_DEFAULT, Review } from "./review.ts";
export type { ScannedEntry, ScanOptions, Tree } from "./tree.ts";
export type * from "./types.ts";
