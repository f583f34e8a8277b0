/**
 * Finds the warden: the one that the environment names, or one built from this version's sources.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SandboxError } from "../errors.ts";
import { buildWarden, COMPILER_FLAGS, type WardenArch } from "./build.ts";
import { cacheDirectory } from "./cache.ts";
import { wardenSources } from "./sources.ts";

/** A warden on this machine's disk. */
export interface WardenBinary {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of its content, in hex. */
  readonly sha256: string;
  /** Its content: what was hashed. */
  bytes(): Promise<Uint8Array>;
}

/** Finds the warden for a machine. */
export type LocateWarden = (arch: WardenArch) => Promise<WardenBinary>;

/**
 * A locator that builds at most once for each machine, however many sandboxes ask at the same time.
 *
 * `COFFERDAM_WARDEN` names a warden to use instead, for any machine; its protocol version is still checked when it
 * starts. Built ones are kept by the hash of their sources in the folder that `COFFERDAM_CACHE` names.
 */
export function createWardenLocator(): LocateWarden {
  const found = new Map<WardenArch, Promise<WardenBinary>>();
  return (arch) => {
    const known = found.get(arch);
    if (known !== undefined) return known;
    const search = locate(arch);
    found.set(arch, search);
    // A machine without a compiler may get one: a failure is not remembered.
    search.catch(() => found.delete(arch));
    return search;
  };
}

async function locate(arch: WardenArch): Promise<WardenBinary> {
  const named = process.env.COFFERDAM_WARDEN;
  if (named) return describe(named);
  const sources = await wardenSources();
  const build = createHash("sha256").update(sources.hash).update(COMPILER_FLAGS.join(" ")).digest("hex");
  const path = join(await cacheDirectory(), `warden-${build.slice(0, 16)}-${arch}`);
  if (!(await exists(path))) await buildWarden(sources, arch, path);
  return describe(path);
}

async function describe(path: string): Promise<WardenBinary> {
  const content = await readFile(path).catch((cause: unknown) => {
    throw new SandboxError("WARDEN_UNAVAILABLE", `Cannot read the warden "${path}"`, {
      details: { reason: "unreadable" },
      hint: "Check COFFERDAM_WARDEN, or unset it to have the warden built",
      cause,
    });
  });
  const sha256 = createHash("sha256").update(content).digest("hex");
  // A megabyte for each process is not worth holding: it is read again, and checked, where its bytes are needed.
  return { path, sha256, bytes: () => readVerified(path, sha256) };
}

async function readVerified(path: string, sha256: string): Promise<Uint8Array> {
  const content = await readFile(path);
  if (createHash("sha256").update(content).digest("hex") === sha256) return content;
  throw new SandboxError("WARDEN_UNAVAILABLE", `Cannot use the warden "${path}"`, {
    details: { reason: "it changed while it was in use" },
    hint: "Start again; if it goes on, look who writes there",
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
