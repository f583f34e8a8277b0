/**
 * Lists of files with the digests of their contents: what a stage begins with, and what it made.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { canonicalJson } from "../policy/digest.ts";
import { isWithin, movedPath } from "./paths.ts";
import type { Store } from "./store.ts";
import type { ArtifactFile } from "./types.ts";

/** A file. */
export interface ManifestFile extends ArtifactFile {
  readonly kind: "file";
}

/** A symlink of the project. Stages cannot make any. */
export interface ManifestLink {
  readonly kind: "symlink";
  readonly path: string;
  readonly target: string;
}

/** A folder, so that empty ones are there. */
export interface ManifestFolder {
  readonly kind: "folder";
  readonly path: string;
}

/** An entry of a list. */
export type ManifestEntry = ManifestFile | ManifestLink | ManifestFolder;

/** A list, in the order of the paths. */
export type Manifest = readonly ManifestEntry[];

/** What a stage made, by the names of its outputs. */
export type OutputManifests = Readonly<Record<string, Manifest>>;

const entry: z.ZodType<ManifestEntry> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("file"),
    path: z.string(),
    mode: z.int().min(0).max(0o777),
    size: z.int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ kind: z.literal("symlink"), path: z.string(), target: z.string() }),
  z.strictObject({ kind: z.literal("folder"), path: z.string() }),
]);

const manifest: z.ZodType<Manifest> = z.array(entry);
const outputs: z.ZodType<OutputManifests> = z.record(z.string(), manifest);

/** A list that was stored. */
export async function loadManifest(store: Store, digest: string): Promise<Manifest> {
  return parsed(manifest, await store.json(digest), digest);
}

/** What a stage made, as it was stored. */
export async function loadOutputs(store: Store, digest: string): Promise<OutputManifests> {
  return parsed(outputs, await store.json(digest), digest);
}

/** The digest of data, as `putJson` gives it. */
export function digestOf(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}

/** By path. */
export function sorted(entries: Iterable<ManifestEntry>): Manifest {
  return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** What lies at and below a path. */
export function below(entries: Manifest, path: string): Manifest {
  return entries.filter((each) => isWithin(each.path, path));
}

/** The same at another place. */
export function moved(entries: Manifest, from: string, to: string): Manifest {
  return from === to ? entries : entries.map((each) => ({ ...each, path: movedPath(each.path, from, to) }));
}

/** The files of a list. */
export function filesOf(entries: Manifest): readonly ManifestFile[] {
  return entries.filter((each) => each.kind === "file");
}

/** The same for those who read results. */
export function artifactFiles(entries: Manifest): readonly ArtifactFile[] {
  return filesOf(entries).map(({ path, mode, size, sha256 }) => ({ path, mode, size, sha256 }));
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, artifact: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const reason = "it is no list of files";
  throw new SandboxError("ARTIFACT_CHANGED", `Cannot use the stored artifact ${artifact}: ${reason}`, {
    details: { artifact, reason },
    hint: "Start a new run",
  });
}
