/**
 * The warden's C sources, wherever this module was loaded from.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SandboxError } from "../errors.ts";

/** The sources, and one hash for all of them. */
export interface WardenSources {
  /** The directory that holds them. */
  readonly directory: string;
  /** The names of the C files, sorted. */
  readonly files: readonly string[];
  /** SHA-256 over names and contents of C files and headers, in hex. */
  readonly hash: string;
}

/**
 * Reads the sources.
 *
 * @throws {SandboxError} WARDEN_UNAVAILABLE If they are not on a disk, as when this module was loaded from the network.
 */
export async function wardenSources(): Promise<WardenSources> {
  const url = new URL("./native/", import.meta.url);
  if (url.protocol !== "file:") {
    throw new SandboxError("WARDEN_UNAVAILABLE", `Cannot read the warden's sources at ${url.protocol}`, {
      details: { reason: "the sources are not on a disk" },
      hint: "Install the npm package, or set COFFERDAM_WARDEN to a warden that was built elsewhere",
    });
  }
  const directory = fileURLToPath(url);
  // At once: so many small files are read sooner than a pool of threads is asked for them.
  const names = readdirSync(directory)
    .filter((name) => /\.[ch]$/.test(name))
    .sort();
  const hash = createHash("sha256");
  for (const name of names)
    hash
      .update(`${name}\0`)
      .update(readFileSync(`${directory}${name}`))
      .update("\0");
  return { directory, files: names.filter((name) => name.endsWith(".c")), hash: hash.digest("hex") };
}
