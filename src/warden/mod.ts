/**
 * The native half on the host's side: finding the warden, or building it.
 *
 * @module
 */
export { buildWarden, type WardenArch } from "./build.ts";
export { cachePath } from "./cache.ts";
export { createWardenLocator, type LocateWarden, type WardenBinary } from "./locate.ts";
export { type WardenSources, wardenSources } from "./sources.ts";
