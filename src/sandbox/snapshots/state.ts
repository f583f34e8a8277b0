/**
 * `sandbox.state`: freezing what a sandbox has written, bringing it back, and starting another one from it.
 *
 * @module
 */
import { Readable } from "node:stream";
import { planFilesystem } from "../../domains/filesystem/mod.ts";
import { SandboxError } from "../../errors.ts";
import { HOME_PATH, isWithin, type Policy, WORKSPACE_PATH } from "../../policy/core.ts";
import type { RuntimeName, WorkspaceMode } from "../../runtimes/runtime.ts";
import { invalid } from "../arguments.ts";
import type { RunningProgram } from "../context.ts";
import type { SandboxFiles } from "../files.ts";
import type { SandboxOptions } from "../options.ts";
import { quiet } from "../quiet.ts";
import type { ReadPolicy } from "../read-policy.ts";
import { volumePath } from "../volumes.ts";
import { stateRoots } from "./roots.ts";
import { Draft, readPart, readSnapshot, removeSnapshot, unusable, verifySnapshot } from "./store.ts";
import type { QuietOptions, Snapshot, SnapshotOptions } from "./types.ts";

/** What a sandbox is made of, as its state sees it. */
export interface StateParts<S> {
  readonly id: string;
  readonly runtime: { readonly name: RuntimeName };
  readonly setting: { readonly options: SandboxOptions };
  readonly warden: { readonly imageId?: string };
  /** Makes another sandbox. */
  create(policy: Policy, options: SandboxOptions): Promise<S>;
}

/**
 * The state of a sandbox: what the policy lets the agent write in the workspace (but for a mounted one), the home and the
 * volumes. No memory, no processes; `/tmp` is not part of it.
 *
 * Everything is read and written inside, as the agent: a snapshot holds nothing that the agent could not read, and brings
 * back nothing that it could not write.
 */
export class SandboxState<S> {
  readonly #parts: StateParts<S>;
  readonly #running: ReadonlySet<RunningProgram>;
  readonly #files: SandboxFiles;
  readonly #policy: () => ReadPolicy;
  #parent: string | undefined;

  /** @internal */
  constructor(
    parts: StateParts<S>,
    { running }: { readonly running: ReadonlySet<RunningProgram> },
    files: SandboxFiles,
    policy: () => ReadPolicy,
  ) {
    this.#parts = parts;
    this.#running = running;
    this.#files = files;
    this.#policy = policy;
  }

  /**
   * Freezes the state under a new number, on this host's disk. Bounded memory.
   *
   * @throws {SandboxError} COMMANDS_RUNNING If commands run, and are not to be killed.
   * @throws {SandboxError} FILE_FAILED If a folder is larger than `maxBytes`.
   * @throws {SandboxError} STATE_UNUSABLE If the folder that keeps snapshots cannot be used.
   * @throws {SandboxError} RUNTIME_UNAVAILABLE On the memory runtime.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * await sandbox.files.write("plan.md", "first draft");
   * const { id } = await sandbox.state.snapshot({ label: "before the rewrite" });
   * await sandbox.files.write("plan.md", "worse");
   * await sandbox.state.restore(id);
   * console.log(await sandbox.files.readText("plan.md")); // first draft
   * ```
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    const { label, running } = options;
    if (label !== undefined && (typeof label !== "string" || label.length > 200)) {
      throw invalid("label", "Cannot use this label", label, "Give at most 200 characters");
    }
    this.#requireFiles();
    await quiet(this.#running, running, "take a snapshot");
    const draft = await Draft.open();
    try {
      let skipped = 0;
      for (const root of this.#roots()) skipped += await this.#take(draft, root, options);
      return await draft.finish(this.#facts(label, skipped));
    } catch (error) {
      await draft.discard();
      throw error;
    }
  }

  /**
   * Makes the state what it was when a snapshot was taken: what came since goes.
   *
   * Shape: the snapshot may be another sandbox's, of any runtime. Everything that it holds must be something that the policy
   * in force lets the agent write. Not atomic: after a failure the state is in between.
   *
   * @throws {SandboxError} SNAPSHOT_UNUSABLE If there is none of that id, it was changed, or the policy does not cover it.
   * @throws {SandboxError} COMMANDS_RUNNING If commands run, and are not to be killed.
   */
  async restore(id: string, { running, signal }: QuietOptions = {}): Promise<Snapshot> {
    this.#requireFiles();
    const snapshot = await readSnapshot(id);
    const roots = this.#roots();
    const outside = snapshot.parts.find(({ path }) => !roots.some((root) => isWithin(path, root)));
    if (outside !== undefined) throw unusable(id, `the policy does not let the agent write ${outside.path} here`);
    await verifySnapshot(snapshot);
    await quiet(this.#running, running, "restore a snapshot");
    for (const index of snapshot.parts.keys()) await this.#put(snapshot, index, signal);
    this.#parent = id;
    return snapshot;
  }

  /**
   * Starts another sandbox with the same policy and options, whose state is what this one's is now. This one goes on.
   *
   * Shape: `overrides` are options of the new one. A volume is one sandbox's at a time, so where this one has any that are
   * not shared, `overrides.volumes` must say which the new one gets; their content becomes what it is here.
   *
   * @throws {SandboxError} COMMANDS_RUNNING If commands run, and are not to be killed.
   * @throws {SandboxError} VOLUME_BUSY If it would have a volume of this one's.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["."] } });
   * await sandbox.files.write("plan.md", "draft");
   * await using other = await sandbox.state.fork();
   * await other.files.write("plan.md", "another way");
   * console.log(await sandbox.files.readText("plan.md")); // draft
   * ```
   */
  async fork(overrides: SandboxOptions = {}, quietly: QuietOptions = {}): Promise<S> {
    const { id } = await this.snapshot({ label: "fork", ...quietly });
    try {
      const { create, setting } = this.#parts;
      return await create(this.#policy().policy, { ...setting.options, ...overrides, snapshot: id });
    } finally {
      await removeSnapshot(id);
    }
  }

  #requireFiles(): void {
    if (this.#parts.runtime.name !== "memory") return;
    const reason = "it has no files to freeze";
    throw new SandboxError("RUNTIME_UNAVAILABLE", `Cannot use snapshots on the memory runtime: ${reason}`, {
      details: { runtime: "memory", reason },
      hint: "Give guest.files, or use another runtime",
    });
  }

  #roots(): string[] {
    const { options } = this.#parts.setting;
    const isMounted = typeof options.workspace === "object" && options.workspace.mode === "mount";
    const filesystem = planFilesystem(this.#policy().normalized, { workspace: WORKSPACE_PATH, home: HOME_PATH });
    const writable = (options.volumes ?? []).filter(({ mode }) => mode !== "read");
    return stateRoots(
      filesystem,
      isMounted,
      writable.map(({ path }) => volumePath("path", path)),
    );
  }

  /** Adds a root to the draft; returns how much of it is in no archive. */
  async #take(draft: Draft, root: string, { maxBytes, signal }: SnapshotOptions): Promise<number> {
    const files = this.#files;
    const stopped = signal === undefined ? {} : { signal };
    const found = await files.stat(root, stopped).catch(ifMissing);
    if (found === undefined) return 0;
    if (found.kind === "file") {
      await draft.add(root, "file", files.readStream(root, stopped));
      return 0;
    }
    let skipped = 0;
    const limits = maxBytes === undefined ? {} : { maxBytes };
    const archive = files.downloadTar(root, { ...stopped, ...limits, onSkip: () => void skipped++ });
    await draft.add(root, "directory", Readable.fromWeb(archive as never));
    return skipped;
  }

  async #put(snapshot: Snapshot, index: number, signal: AbortSignal | undefined): Promise<void> {
    const files = this.#files;
    const part = snapshot.parts[index];
    if (part === undefined) return;
    const content = await readPart(snapshot, index);
    const stopped = signal === undefined ? {} : { signal };
    if (part.kind === "file") return files.write(part.path, content, stopped);
    await this.#clear(part.path);
    const archive = Readable.toWeb(content) as ReadableStream<Uint8Array>;
    await files.upload(archive, part.path, { ...stopped, maxBytes: part.bytes });
  }

  async #clear(folder: string): Promise<void> {
    const files = this.#files;
    for (const { nameBytes } of (await files.list(folder).catch(ifMissing)) ?? []) {
      const path = Buffer.concat([Buffer.from(`${folder}/`), nameBytes]);
      await files.remove(path, { recursive: true, force: true }).catch((error: unknown) => {
        // What is denied in a folder of the agent's was not its own to change, and is in no archive either.
        if (!SandboxError.is(error, "FILE_DENIED")) throw error;
      });
    }
  }

  #facts(label: string | undefined, skipped: number): Omit<Snapshot, "id" | "parts"> {
    const { id, runtime, setting, warden } = this.#parts;
    const { options } = setting;
    return {
      version: 1,
      ...(label === undefined ? {} : { label }),
      createdAt: new Date().toISOString(),
      sandbox: id,
      runtime: runtime.name,
      ...(options.image === undefined ? {} : { image: options.image }),
      ...(warden.imageId === undefined ? {} : { imageId: warden.imageId }),
      policy: this.#policy().digest,
      ...(this.#parent === undefined ? {} : { parent: this.#parent }),
      workspace: modeOf(options.workspace),
      volumes: (options.volumes ?? []).map(({ name, path }) => ({ name, path: volumePath("path", path) })),
      skipped,
    };
  }
}

function modeOf(workspace: SandboxOptions["workspace"]): WorkspaceMode | "empty" {
  if (workspace === undefined) return "empty";
  return typeof workspace === "string" ? "copy" : (workspace.mode ?? "copy");
}

function ifMissing(error: unknown): undefined {
  if (!SandboxError.is(error, "FILE_MISSING")) throw error;
}
