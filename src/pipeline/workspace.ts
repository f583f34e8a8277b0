/**
 * The folder that a stage's workspace is copied from: put together from what was stored, and nobody else's.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { filesOf, type Manifest, type ManifestFile } from "./manifest.ts";
import { lookAtProject, openProject } from "./project.ts";
import type { RunFolder } from "./run-folder.ts";
import type { Store } from "./store.ts";

/** A workspace's folder on the host. `await using` removes it. */
export class Workspace implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Puts it together; every content is verified on the way. */
  static async make(folder: RunFolder, entries: Manifest): Promise<Workspace> {
    const path = join(folder.work, randomBytes(6).toString("hex"));
    await mkdir(path, { recursive: true, mode: 0o700 });
    const workspace = new Workspace(path);
    try {
      for (const each of entries) await workspace.#add(each, folder.store);
      // Whoever the sandbox's user is: what is above it stays private.
      await chmod(path, 0o755);
      return workspace;
    } catch (error) {
      await workspace[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Stores what is there at these paths, as it is now. */
  async take(paths: readonly string[], store: Store): Promise<Map<string, ManifestFile>> {
    const { manifest } = await lookAtProject(await openProject(this.path), paths, { store, optional: true });
    return new Map(filesOf(manifest).map((each) => [each.path, each]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #add(each: Manifest[number], store: Store): Promise<void> {
    const path = join(this.path, each.path);
    if (each.kind === "folder") {
      await mkdir(path, { recursive: true, mode: 0o755 });
      return;
    }
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    if (each.kind === "symlink") await symlink(each.target, path);
    else await store.copyTo(each, path, each.mode);
  }
}
