/**
 * What a case has to work with: a sandbox that cases share, sandboxes of its own, and folders of the host.
 */
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Policy, Sandbox, SandboxOptions } from "../../src/mod.ts";
import { isRoot, ORDINARY_UID, type Place } from "./places.ts";
import type { Programs } from "./programs.ts";

/** The policy of the shared sandbox: `secret` is in the workspace, and not granted. */
export const SHARED_POLICY: Policy = {
  version: 1,
  name: "shared",
  filesystem: { read: ["./bin", "./readonly"], write: ["./writable"] },
};

/** A place, and what cases share in it. */
export class Stage {
  readonly place: Place;
  readonly programs: Programs;
  /** A private folder of the host, which is also where the library puts its own. */
  readonly folder: string;
  #shared: Promise<Sandbox> | undefined;

  constructor(place: Place, programs: Programs, folder: string) {
    this.place = place;
    this.programs = programs;
    this.folder = folder;
  }

  /** The shared sandbox; another one if somebody ended it. */
  shared(): Promise<Sandbox> {
    this.#shared ??= this.#createShared().catch((error: unknown) => {
      this.#shared = undefined;
      throw error;
    });
    return this.#shared;
  }

  async close(): Promise<void> {
    const shared = await this.#shared?.catch(() => undefined);
    await shared?.stop();
  }

  async #createShared(): Promise<Sandbox> {
    const workspace = mkdtempSync(join(this.folder, "shared-"));
    furnish(workspace, this.programs);
    const sandbox = await this.place.create(SHARED_POLICY, { workspace });
    void sandbox.ended.then(() => {
      this.#shared = undefined;
    });
    return sandbox;
  }
}

/** What one case has. Everything that it made goes when it ends. */
export class Scene {
  readonly place: Place;
  readonly programs: Programs;
  readonly #stage: Stage;
  readonly #cleanups: (() => unknown)[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.place = stage.place;
    this.programs = stage.programs;
  }

  /** The sandbox that cases share: see {@link furnish} for what is in it. */
  shared(): Promise<Sandbox> {
    return this.#stage.shared();
  }

  /** A sandbox of this case alone. */
  async create(policy: Policy | string, options?: SandboxOptions): Promise<Sandbox> {
    const sandbox = await this.place.create(policy, options);
    this.defer(() => sandbox.stop());
    return sandbox;
  }

  /** A sandbox like the shared one, for cases that disturb others. */
  own(options: SandboxOptions = {}, policy: Policy = SHARED_POLICY): Promise<Sandbox> {
    return this.create(policy, { workspace: this.furnished(), ...options });
  }

  /** Where the library puts its own files on this host. */
  get temporary(): string {
    return this.#stage.folder;
  }

  /** An empty folder of the host, of an ordinary user. */
  folder(): string {
    const path = mkdtempSync(join(this.#stage.folder, "folder-"));
    this.defer(() => rm(path, { recursive: true, force: true }));
    chmodSync(path, 0o755);
    giveAway(path);
    return path;
  }

  /** A folder of the host like the shared sandbox's workspace. */
  furnished(): string {
    const path = this.folder();
    furnish(path, this.programs);
    return path;
  }

  /** A furnished folder of the host that does not lie in /tmp, where a sandbox has its own things. */
  elsewhere(): string {
    const path = mkdtempSync(join(isRoot ? "/srv" : homedir(), "cofferdam-test-"));
    this.defer(() => rm(path, { recursive: true, force: true }));
    chmodSync(path, 0o755);
    furnish(path, this.programs);
    return path;
  }

  /** Does something when the case has ended, the last first. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }
}

/** Makes an ordinary user the owner, as the owner of a project is. */
export function giveAway(...paths: readonly string[]): void {
  if (isRoot) for (const path of paths) chownSync(path, ORDINARY_UID, ORDINARY_UID);
}

/** Fills a workspace: programs, what may be read, what may be written, and what is not granted. */
export function furnish(workspace: string, { attack, tool }: Programs): void {
  const at = (name: string) => join(workspace, name);
  const directories = ["bin", "readonly", "readonly/folder", "readonly/empty", "secret", "writable"];
  for (const name of directories) mkdirSync(at(name));
  const files: Readonly<Record<string, string>> = {
    "readonly/file.txt": "read me\n",
    "readonly/other.txt": "read me too\n",
    "readonly/folder/inner.txt": "inner\n",
    "readonly/not-executable": "#!/bin/sh\necho no\n",
    "secret/secret.txt": "TOP-SECRET\n",
    "writable/file.txt": "write me\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  copyFileSync(attack, at("bin/attack"));
  copyFileSync(tool, at("bin/tool"));
  const links: Readonly<Record<string, string>> = {
    "writable/to-readonly": "../readonly/file.txt",
    "writable/to-secret": "../secret/secret.txt",
    "writable/to-shadow": "/etc/shadow",
    "writable/to-environ": "/proc/1/environ",
    "writable/to-root": "/proc/1/root",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, at(name));
  giveAway(workspace, ...directories.map(at), ...Object.keys(files).map(at), at("bin/attack"), at("bin/tool"));
}
