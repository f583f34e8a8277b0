/**
 * What an image says of itself: its layers, the platform, and variables. Everything but an index of names is held to its digest.
 *
 * @see https://github.com/opencontainers/image-spec
 * @module
 */
import { createHash } from "node:crypto";
import process from "node:process";
import * as z from "zod";
import { imageVariables } from "../../image-variables.ts";
import { Malformed } from "./failure.ts";
import { contentOf, type ImageFiles } from "./image-files.ts";

/** One layer: a tar archive, compressed or not. */
export interface ImageLayer {
  /** Its file. */
  readonly name: string;
  /** Of the file, `sha256:` and hexadecimal digits. Absent where the archive does not say: then `diffId` alone holds it. */
  readonly digest?: string;
  /** Of the archive, decompressed. */
  readonly diffId: string;
}

/** One image for this machine. */
export interface ImageDescription {
  /** By content, as engines count: the digest of its configuration. */
  readonly id: string;
  readonly environment: Readonly<Record<string, string>>;
  /** From the lowest. */
  readonly layers: readonly ImageLayer[];
}

const JSON_BYTES_MAX = 4 * 1024 * 1024;
const LAYERS_MAX = 512;
/** How deep indexes may lie in indexes, and how many documents are read. */
const DEPTH_MAX = 4;
const DOCUMENTS_MAX = 200;

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const descriptor = z.looseObject({
  digest,
  platform: z.looseObject({ os: z.string(), architecture: z.string() }).optional(),
});
const index = z.looseObject({ manifests: z.array(descriptor) });
const manifest = z.looseObject({ config: descriptor, layers: z.array(descriptor).max(LAYERS_MAX) });
const config = z.looseObject({
  os: z.string().optional(),
  architecture: z.string().optional(),
  config: z.looseObject({ Env: z.array(z.string()).nullish() }).nullish(),
  rootfs: z.looseObject({ diff_ids: z.array(digest).max(LAYERS_MAX) }),
});
const saved = z.array(
  z.looseObject({ Config: z.string().max(4096), Layers: z.array(z.string().max(4096)).max(LAYERS_MAX) }),
);

type Descriptor = z.infer<typeof descriptor>;
type Config = z.infer<typeof config>;

/**
 * Finds the one image for this machine: in an OCI image layout, else as engines before Docker 25 save it.
 *
 * @throws {Malformed} If there is none, or several, or what describes it is not what its digest says.
 */
export async function describeImage(files: ImageFiles): Promise<ImageDescription> {
  const top = await readJson(files, "index.json");
  const found = top === undefined ? await savedImages(files) : await new Search(files).images(top);
  const usable = found.filter(({ os, architecture }) => os === "linux" && architecture === machine());
  const images = new Map(usable.map(({ image }) => [image.id, image]));
  const [image] = images.values();
  if (images.size > 1) throw new Malformed(`it holds ${images.size} images: save one of them`);
  if (image !== undefined) return image;
  const others = [...new Set(found.map(({ os, architecture }) => `${os}/${architecture}`))].slice(0, 10);
  const has = others.length === 0 ? "no image of a container" : `an image for ${others.join(", ")} only`;
  throw new Malformed(`it holds ${has}, and this machine is linux/${machine()}`);
}

/** As image configurations call it. */
function machine(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

interface Found {
  readonly os: string;
  readonly architecture: string;
  readonly image: ImageDescription;
}

/** Follows descriptors from an index down to configurations. */
class Search {
  readonly #files: ImageFiles;
  #documents = 0;

  constructor(files: ImageFiles) {
    this.#files = files;
  }

  async images(document: unknown, depth = 0): Promise<Found[]> {
    if (depth > DEPTH_MAX) throw new Malformed("its indexes lie too deep in each other");
    const list = index.safeParse(document);
    if (!list.success) return this.#image(document);
    const found: Found[] = [];
    for (const each of list.data.manifests) {
      // Attestations are for no platform, and nothing to run.
      if (each.platform?.os !== undefined && each.platform.os !== "linux") continue;
      found.push(...(await this.images(await this.#read(each), depth + 1)));
    }
    return found;
  }

  async #image(document: unknown): Promise<Found[]> {
    const own = manifest.safeParse(document);
    if (!own.success) throw new Malformed("it has a manifest that cannot be read");
    const { config: described, layers } = own.data;
    const settings = config.safeParse(await this.#read(described));
    // Charts and other artifacts are packed in the same way.
    if (!settings.success) return [];
    const names = layers.map((layer) => ({ name: blobName(layer), digest: layer.digest }));
    return [foundImage(described.digest, settings.data, names)];
  }

  async #read(described: Descriptor): Promise<unknown> {
    if (++this.#documents > DOCUMENTS_MAX) throw new Malformed("it has too many manifests");
    const document = await readJson(this.#files, blobName(described), described.digest);
    if (document === undefined) throw new Malformed(`${described.digest} is not in it`);
    return document;
  }
}

function foundImage(id: string, settings: Config, layers: readonly Omit<ImageLayer, "diffId">[]): Found {
  const { os = "linux", architecture = machine(), rootfs } = settings;
  if (rootfs.diff_ids.length !== layers.length) throw new Malformed("its configuration is for other layers");
  const image = {
    id,
    environment: imageVariables(settings.config?.Env ?? []),
    layers: layers.map((layer, at) => ({ ...layer, diffId: rootfs.diff_ids[at] as string })),
  };
  return { os, architecture, image };
}

async function savedImages(files: ImageFiles): Promise<Found[]> {
  const document = await readJson(files, "manifest.json");
  if (document === undefined) throw new Malformed("it is no archive of an image (no index.json, no manifest.json)");
  const list = saved.safeParse(document);
  if (!list.success) throw new Malformed("its manifest.json cannot be read");
  const found: Found[] = [];
  for (const { Config, Layers } of list.data.slice(0, DOCUMENTS_MAX)) {
    const bytes = await readBounded(files, Config);
    const settings = config.safeParse(bytes === undefined ? undefined : parse(Config, bytes));
    if (bytes === undefined || !settings.success) throw new Malformed(`its configuration "${Config}" cannot be read`);
    found.push(
      foundImage(
        digestOf(bytes),
        settings.data,
        Layers.map((name) => ({ name })),
      ),
    );
  }
  return found;
}

function blobName({ digest: named }: Descriptor): string {
  return `blobs/sha256/${named.slice("sha256:".length)}`;
}

async function readJson(files: ImageFiles, name: string, expected?: string): Promise<unknown> {
  const bytes = await readBounded(files, name);
  if (bytes === undefined) return undefined;
  if (expected !== undefined && digestOf(bytes) !== expected)
    throw new Malformed(`${name} is not what its digest says`);
  return parse(name, bytes);
}

async function readBounded(files: ImageFiles, name: string): Promise<Buffer | undefined> {
  const part = await files.part(name);
  if (part === undefined) return undefined;
  if (part.size > JSON_BYTES_MAX) throw new Malformed(`"${name}" is longer than 4 MiB`);
  return contentOf(part);
}

/** Without the parser's words: they quote what may have been led here by a link. */
function parse(name: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new Malformed(`"${name}" is no JSON`);
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
