/**
 * The root file system of a local sandbox, in the place of this host's programs: a folder, or an image that is unpacked once.
 *
 * @module
 */
import { access, lstat, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { RootRequest } from "../../runtime.ts";
import { rootUnusable } from "./failure.ts";
import type { RootOptions } from "./unpack.ts";

/**
 * Opens a folder, a folder with an OCI image layout, or an archive of an image.
 *
 * @throws {SandboxError} ROOT_UNUSABLE If it is none of them, or the image is not what its digests say.
 * @throws {SandboxError} STATE_UNUSABLE If the folder for unpacked images cannot be used.
 */
export async function openRoot(named: string, options: RootOptions = {}): Promise<RootRequest> {
  const path = await realpath(resolve(named)).catch((cause: unknown) => {
    throw rootUnusable(named, "it does not exist", { cause });
  });
  const stats = await lstat(path);
  if (stats.isFile() || (stats.isDirectory() && (await isLayout(path)))) {
    const { unpackImage } = await import("./unpack.ts");
    return unpackImage(named, path, options);
  }
  if (!stats.isDirectory()) throw rootUnusable(named, "it is neither a folder nor a file");
  if (path === "/") throw rootUnusable(named, "it is the root of this host, which sandboxes have without saying so");
  return { path, environment: {} };
}

/** Whether a folder has an OCI image layout. */
export async function isLayout(folder: string): Promise<boolean> {
  const has = (name: string) =>
    access(join(folder, name)).then(
      () => true,
      () => false,
    );
  return (await has("oci-layout")) && (await has("index.json"));
}
