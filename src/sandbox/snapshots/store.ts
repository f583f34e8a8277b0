/**
 * Snapshots on this host's disk: `snapshots/ID` in the state folder, with a lockfile and one archive for each part. They are
 * data: nothing in them is unpacked on the host.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SandboxError } from "../../errors.ts";
import { ownerOfThisProcess } from "../../runtimes/owner.ts";
import { stateDirectory } from "../../runtimes/state-directory.ts";
import type { Snapshot, SnapshotPart } from "./types.ts";

const LOCKFILE = "snapshot.json";
const LOCKFILE_BYTES_MAX = 1024 * 1024;

/** A snapshot that is being made. It exists once it was finished. */
export class Draft {
  readonly #folder: string;
  readonly #parts: SnapshotPart[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Draft> {
    const name = `.new-${ownerOfThisProcess() ?? "unknown"}-${randomBytes(6).toString("hex")}`;
    const folder = join(await stateDirectory("snapshots"), name);
    await mkdir(folder, { mode: 0o700 });
    return new Draft(folder);
  }

  async add(path: string, kind: SnapshotPart["kind"], content: AsyncIterable<Uint8Array>): Promise<void> {
    const hash = createHash("sha256");
    let bytes = 0;
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    const target = createWriteStream(join(this.#folder, String(this.#parts.length)), { flags: "wx", mode: 0o600 });
    await pipeline(Readable.from(content, { objectMode: false }), tap, target);
    this.#parts.push({ path, kind, sha256: hash.digest("hex"), bytes });
  }

  async finish(facts: Omit<Snapshot, "id" | "parts">): Promise<Snapshot> {
    const snapshot = withId({ ...facts, parts: this.#parts });
    await writeFile(join(this.#folder, LOCKFILE), `${JSON.stringify(snapshot, undefined, 2)}\n`, { mode: 0o600 });
    await rename(this.#folder, join(await stateDirectory("snapshots"), snapshot.id));
    return snapshot;
  }

  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The number says what the lockfile says: neither can be changed without the other. */
function withId(body: Omit<Snapshot, "id">): Snapshot {
  const id = createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 32);
  const { version, ...rest } = body;
  return { version, id, ...rest };
}

/**
 * Reads the lockfile of a snapshot.
 *
 * @throws {SandboxError} SNAPSHOT_UNUSABLE If there is none, or it was changed.
 */
export async function readSnapshot(id: string): Promise<Snapshot> {
  if (!/^[0-9a-f]{32}$/.test(id)) throw unusable(id, "that is no number of a snapshot");
  const path = join(await stateDirectory("snapshots"), id, LOCKFILE);
  const { size } = await lstat(path).catch((cause: unknown) => {
    throw unusable(id, "there is none of that number", cause);
  });
  if (size > LOCKFILE_BYTES_MAX) throw unusable(id, "its lockfile is too long");
  try {
    const snapshot = JSON.parse(await readFile(path, "utf8")) as Snapshot;
    const { id: _, ...body } = snapshot;
    if (withId(body).id === id && body.version === 1) return snapshot;
  } catch (cause) {
    throw unusable(id, "its lockfile cannot be read", cause);
  }
  throw unusable(id, "its lockfile was changed");
}

/**
 * Makes sure that the archives are what the lockfile says.
 *
 * @throws {SandboxError} SNAPSHOT_UNUSABLE If one is not.
 */
export async function verifySnapshot(snapshot: Snapshot): Promise<void> {
  for (const [index, { path, sha256 }] of snapshot.parts.entries()) {
    const hash = createHash("sha256");
    for await (const chunk of await readPart(snapshot, index)) hash.update(chunk);
    if (hash.digest("hex") !== sha256) throw unusable(snapshot.id, `the archive of ${path} is damaged`);
  }
}

/** The archive or content of a part. */
export async function readPart({ id }: Snapshot, index: number): Promise<Readable> {
  return createReadStream(join(await stateDirectory("snapshots"), id, String(index)));
}

/**
 * The snapshots of this user on this host, the oldest first.
 *
 * @throws {SandboxError} STATE_UNUSABLE If the folder that keeps them cannot be used.
 *
 * @example
 * ```ts
 * import { listSnapshots } from "cofferdam";
 *
 * for (const { id, createdAt, label } of await listSnapshots()) console.log(id, createdAt, label);
 * ```
 */
export async function listSnapshots(): Promise<readonly Snapshot[]> {
  const names = await readdir(await stateDirectory("snapshots"));
  const read = names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map((id) => readSnapshot(id).catch(() => undefined));
  const found = (await Promise.all(read)).filter((snapshot) => snapshot !== undefined);
  return found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

/**
 * Removes a snapshot. Whether there was one.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If it is no number of a snapshot.
 *
 * @example
 * ```ts
 * import { listSnapshots, removeSnapshot } from "cofferdam";
 *
 * const [oldest] = await listSnapshots();
 * if (oldest !== undefined) await removeSnapshot(oldest.id);
 * ```
 */
export async function removeSnapshot(id: string): Promise<boolean> {
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot remove the snapshot ${JSON.stringify(id)}`, {
      details: { argument: "id", value: id },
      hint: "Use the id of one of listSnapshots()",
    });
  }
  const directory = await stateDirectory("snapshots");
  const trash = join(directory, `.removed-${process.pid}-${id}`);
  const there = await rename(join(directory, id), trash).then(
    () => true,
    () => false,
  );
  await rm(trash, { recursive: true, force: true });
  return there;
}

/** An error about a snapshot. */
export function unusable(snapshot: string, reason: string, cause?: unknown): SandboxError<"SNAPSHOT_UNUSABLE"> {
  return new SandboxError("SNAPSHOT_UNUSABLE", `Cannot use the snapshot ${JSON.stringify(snapshot)}: ${reason}`, {
    details: { snapshot, reason },
    hint: "listSnapshots() has those that exist; a snapshot brings back what the policy lets the agent write, and nothing else",
    ...(cause === undefined ? {} : { cause }),
  });
}
