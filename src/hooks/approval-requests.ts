/**
 * From what a decision is about to what an approver is asked.
 *
 * @module
 */
import type { FilesystemAccess, NetworkConnect, ProcessStart } from "./subjects.ts";

/** A file. */
export function accessRequest(access: FilesystemAccess): {
  readonly domain: "filesystem";
  readonly access: FilesystemAccess;
} {
  return { domain: "filesystem", access };
}

/** A program. */
export function startRequest(start: ProcessStart): { readonly domain: "process"; readonly start: ProcessStart } {
  return { domain: "process", start };
}

/** A connection. */
export function connectRequest(connect: NetworkConnect): {
  readonly domain: "network";
  readonly connect: NetworkConnect;
} {
  return { domain: "network", connect };
}
