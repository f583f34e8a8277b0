/**
 * The unpacked images of this user, in the cache folder: `images/HEX`, by the digest of the image's configuration, with the tree in
 * `root`, a lock that the launchers of sandboxes hold, and the archives that it is known to come from.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { SandboxError } from "../../../errors.ts";
import { cachePath } from "../../../warden/mod.ts";
import { ownerOfThisProcess } from "../../owner.ts";
import type { RootRequest } from "../../runtime.ts";
import { errnoOf } from "../../workspace/mod.ts";

/** An archive of this host, as it was when it was looked at: its place, and what changes with its content. */
export type ArchiveIdentity = readonly (string | bigint)[];

/**
 * The folder, made if it is missing.
 *
 * @throws {SandboxError} STATE_UNUSABLE If somebody else could put a program there.
 */
export async function imageStore(): Promise<string> {
  const folder = join(cachePath(), "images");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid === (process.geteuid?.() ?? uid) && (mode & 0o077) === 0) return realpath(folder);
  const reason = "other users may enter it";
  throw new SandboxError("STATE_UNUSABLE", `Cannot keep unpacked images in "${folder}": ${reason}`, {
    details: { path: folder, reason },
    hint: "Set COFFERDAM_CACHE to a folder of yours that nobody else may enter (mode 0700)",
  });
}

/** Where an image of that id is, or will be. */
function placeOf(store: string, id: string): string {
  return join(store, id.slice("sha256:".length));
}

/** An image that was unpacked before; undefined: it was not. */
export async function findImage(store: string, id: string): Promise<RootRequest | undefined> {
  const folder = placeOf(store, id);
  const facts = await readFile(join(folder, "image.json"), "utf8").catch(() => undefined);
  if (facts === undefined) return undefined;
  const { environment } = JSON.parse(facts) as Pick<RootRequest, "environment">;
  return { path: join(folder, "root"), lock: join(folder, "lock"), imageId: id, environment };
}

/** The image that an archive is known to hold. */
export async function findByArchive(store: string, archive: ArchiveIdentity): Promise<RootRequest | undefined> {
  for (const { name, id } of await listImages(store)) {
    const mark = await lstat(join(name, "archives", fileNameOf(archive))).catch(() => undefined);
    if (mark !== undefined) return findImage(store, id);
  }
  return undefined;
}

/** Remembers it: a second look at a large archive is saved. */
export async function rememberArchive(store: string, id: string, archive: ArchiveIdentity): Promise<void> {
  const mark = join(placeOf(store, id), "archives", fileNameOf(archive));
  // It is only slower without.
  await writeFile(mark, "", { mode: 0o600 }).catch(() => undefined);
}

/** Every unpacked image: the path of its folder, and its id. */
export async function listImages(store: string): Promise<{ readonly name: string; readonly id: string }[]> {
  const names = (await readdir(store)).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort();
  return names.map((name) => ({ name: join(store, name), id: `sha256:${name}` }));
}

/** Makes an image that appears whole or not at all. `unpack` makes the tree at the path that it gets, beside a folder for its use. */
export async function addImage(
  store: string,
  { id, environment }: { readonly id: string; readonly environment: Readonly<Record<string, string>> },
  unpack: (root: string, contents: string) => Promise<void>,
): Promise<void> {
  const partial = join(store, `.new-${ownerOfThisProcess() ?? "unknown"}-${randomBytes(6).toString("hex")}`);
  const contents = join(partial, "contents");
  await mkdir(contents, { recursive: true, mode: 0o700 });
  try {
    await unpack(join(partial, "root"), contents);
    await rm(contents, { recursive: true });
    await mkdir(join(partial, "archives"), { mode: 0o700 });
    await writeFile(join(partial, "lock"), "", { mode: 0o600 });
    await writeFile(join(partial, "image.json"), JSON.stringify({ environment }), { mode: 0o600 });
  } catch (error) {
    await removeTree(partial);
    throw error;
  }
  await rename(partial, placeOf(store, id)).catch(async (error: unknown) => {
    await removeTree(partial);
    // Another process unpacked it in the same moment.
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
  });
}

/** What is not removed now is what cleaning up is for. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function fileNameOf(archive: ArchiveIdentity): string {
  return createHash("sha256").update(archive.join("\0")).digest("hex");
}
