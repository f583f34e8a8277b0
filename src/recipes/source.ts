/**
 * The digest of the code that a recipe comes from: taken before any of it runs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

const FILES_MAX = 4096;
const BYTES_MAX = 64 * 2 ** 20;
/** Other packages have digests of their own, in the lockfile of whoever installs them. */
const LEFT_OUT = new Set(["node_modules", ".git"]);

/** Of one file. What it imports is not covered. */
export async function fileDigest(path: string): Promise<string> {
  return `sha256:${createHash("sha256")
    .update(await readFile(path))
    .digest("hex")}`;
}

/**
 * Of every file of a folder: names, contents and symlinks.
 *
 * @throws {Error} If there are more than 4096 of them, or 64 MiB.
 */
export async function folderDigest(folder: string): Promise<string> {
  const hash = createHash("sha256");
  let files = 0;
  let bytes = 0;
  const add = async (path: string): Promise<void> => {
    const names = (await readdir(join(folder, path))).filter((name) => !LEFT_OUT.has(name)).sort();
    for (const name of names) {
      const relative = path === "" ? name : `${path}/${name}`;
      const full = join(folder, relative);
      const stats = await lstat(full);
      if (stats.isDirectory()) {
        await add(relative);
        continue;
      }
      if (!stats.isFile() && !stats.isSymbolicLink()) throw new Error(`${relative} is neither file nor folder`);
      if (++files > FILES_MAX) throw new Error(`it has more than ${FILES_MAX} files`);
      bytes += stats.size;
      if (bytes > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} bytes`);
      const content = stats.isFile() ? await readFile(full) : Buffer.from(await readlink(full));
      const kind = stats.isFile() ? "file" : "link";
      hash.update(JSON.stringify([kind, relative, content.length])).update(content);
    }
  };
  await add("");
  return `sha256:${hash.digest("hex")}`;
}
