/**
 * From an image in an archive or a layout to a root file system on this host: unpacked once.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { SandboxError } from "../../../errors.ts";
import type { RootRequest } from "../../runtime.ts";
import { errnoOf } from "../../workspace/mod.ts";
import { buildTree } from "./build-tree.ts";
import { Malformed, rootUnusable } from "./failure.ts";
import { describeImage, type ImageDescription } from "./image-description.ts";
import { archiveFiles, type ImageFiles, layoutFiles } from "./image-files.ts";
import { ImageTree } from "./image-tree.ts";
import { type ArchiveIdentity, addImage, findByArchive, findImage, imageStore, rememberArchive } from "./store.ts";
import { unpackLayer } from "./unpack-layer.ts";

/** How a root is opened. */
export interface RootOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears when there is something to unpack, which takes a while. */
  readonly onUnpack?: () => void;
}

/** How much one image may unpack to, in bytes. */
const IMAGE_BYTES_MAX = 32 * 1024 ** 3;

/** An image of this host, at a path without symlinks. `named`: what its user calls it. */
export async function unpackImage(
  named: string,
  path: string,
  options: RootOptions & { readonly maxBytes?: number },
): Promise<RootRequest> {
  try {
    const store = await imageStore();
    const archive = await identityOf(path);
    const known = archive === undefined ? undefined : await findByArchive(store, archive);
    if (known !== undefined) return known;
    const files = archive === undefined ? layoutFiles(path) : await archiveFiles(path, options.signal);
    try {
      const image = await describeImage(files);
      const request = (await findImage(store, image.id)) ?? (await unpackTo(store, image, files, options));
      if (archive !== undefined) await rememberArchive(store, image.id, archive);
      return request;
    } finally {
      await files.close();
    }
  } catch (error) {
    throw failure(named, error);
  }
}

async function unpackTo(
  store: string,
  image: ImageDescription,
  files: ImageFiles,
  { signal, maxBytes = IMAGE_BYTES_MAX, onUnpack }: RootOptions & { readonly maxBytes?: number },
): Promise<RootRequest> {
  onUnpack?.();
  await addImage(store, image, async (root, contents) => {
    const tree = new ImageTree();
    const budget = { bytes: maxBytes };
    for (const layer of image.layers) {
      const part = await files.part(layer.name);
      if (part === undefined) throw new Malformed(`its layer ${layer.name} is not in it`);
      await unpackLayer(part, layer, { tree, contents, budget, signal });
    }
    await buildTree(tree.root, root, contents);
  });
  const made = await findImage(store, image.id);
  if (made === undefined) throw new Malformed("it was removed while it was unpacked");
  return made;
}

/** Undefined: it is a folder. */
async function identityOf(path: string): Promise<ArchiveIdentity | undefined> {
  const stats = await stat(path, { bigint: true });
  return stats.isDirectory() ? undefined : [path, stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs];
}

function failure(named: string, error: unknown): unknown {
  if (SandboxError.is(error)) return error;
  if (error instanceof Malformed) return rootUnusable(named, error.message, { cause: error });
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const hint = "Look at the rights of the file, and make room in the cache folder, or set COFFERDAM_CACHE to another";
  return rootUnusable(named, `it cannot be unpacked: ${(error as Error).message}`, { hint, cause: error });
}
