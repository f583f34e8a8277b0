/** Images as archives, made here: whole ones, and ones that somebody has tampered with. */
import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

/** An entry of an archive. */
export type ArchiveEntry = Pick<Header, "name"> & Partial<Header> & { readonly content?: string | Buffer };

/** What an image is made from. */
export interface ImageParts {
  /** From the lowest. */
  readonly layers: readonly (readonly ArchiveEntry[])[];
  readonly env?: readonly string[];
  readonly architecture?: string;
  /** Whether layers are compressed. */
  readonly gzip?: boolean;
  /** What becomes of the layers once their digests are known. */
  tamper?(layer: Buffer): Buffer;
  /** What becomes of them before: the configuration alone still knows what they were. */
  swap?(layer: Buffer): Buffer;
}

/** A tar archive. */
export async function tarOf(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content = "", ...header } of entries) archive.entry({ mtime: new Date(0), ...header }, content);
  archive.finalize();
  return Buffer.from(await text(archive.setEncoding("latin1")), "latin1");
}

const digestOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const machine = process.arch === "x64" ? "amd64" : process.arch;

/** The files of an OCI image layout, with one image. */
export async function layoutOf({ layers, env = [], gzip = false, ...parts }: ImageParts): Promise<ArchiveEntry[]> {
  const { architecture = machine, tamper = (layer) => layer, swap = (layer) => layer } = parts;
  const files: ArchiveEntry[] = [];
  const add = (bytes: Buffer, content = bytes) => {
    const digest = digestOf(bytes);
    files.push({ name: `blobs/sha256/${digest}`, content });
    return { digest: `sha256:${digest}`, size: bytes.length };
  };
  const addJson = (document: object) => add(Buffer.from(JSON.stringify(document)));
  const archives = await Promise.all(layers.map(tarOf));
  const described = archives.map((each) => {
    const stored = gzip ? gzipSync(swap(each)) : swap(each);
    return add(stored, tamper(stored));
  });
  const diffIds = archives.map((each) => `sha256:${digestOf(each)}`);
  const config = addJson({ os: "linux", architecture, config: { Env: env }, rootfs: { diff_ids: diffIds } });
  const manifest = addJson({ schemaVersion: 2, config, layers: described });
  const index = { schemaVersion: 2, manifests: [manifest] };
  const version = { imageLayoutVersion: "1.0.0" };
  return [
    { name: "oci-layout", content: JSON.stringify(version) },
    { name: "index.json", content: JSON.stringify(index) },
    ...files,
  ];
}

/** The same as engines before Docker 25 save it. */
export async function savedByDocker({ layers, env = [] }: ImageParts): Promise<ArchiveEntry[]> {
  const archives = await Promise.all(layers.map(tarOf));
  const diffIds = archives.map((each) => `sha256:${digestOf(each)}`);
  const config = { os: "linux", architecture: machine, config: { Env: env }, rootfs: { diff_ids: diffIds } };
  const names = archives.map((_, at) => `${at}/layer.tar`);
  return [
    { name: "abc.json", content: JSON.stringify(config) },
    ...archives.map((content, at) => ({ name: names[at] ?? "", content })),
    { name: "manifest.json", content: JSON.stringify([{ Config: "abc.json", RepoTags: null, Layers: names }]) },
  ];
}
