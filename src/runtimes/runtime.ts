/**
 * What a runtime is: something that starts a warden somewhere and hands back the two ends of its link.
 *
 * @module
 */
import type { Readable, Writable } from "node:stream";
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import type { ProcessPlan } from "../domains/process/mod.ts";
import type { SandboxFile } from "../egress/tls/trust.ts";
import type { Baseline } from "./workspace/baseline.ts";

/** The names of the runtimes. */
export type RuntimeName = "docker" | "local" | "memory";

/** How the workspace comes into the sandbox. */
export type WorkspaceMode = "mount" | "copy" | "overlay";

/** A folder of the host that becomes `/workspace`. */
export interface WorkspaceRequest {
  /** Absolute, on the host, with symlinks resolved. */
  readonly path: string;
  readonly mode: WorkspaceMode;
  /** The owner of the folder. */
  readonly uid: number;
  readonly gid: number;
  /** What the folder was when it was looked at: a path can be given to another one. */
  readonly identity?: { readonly device: number; readonly inode: number };
}

/** A volume for a sandbox: a folder that outlives it. */
export interface VolumeRequest {
  readonly name: string;
  /** Where it is in the sandbox: absolute, outside of the workspace. */
  readonly path: string;
  /** What the policy and the option allow together. */
  readonly access: "read" | "write";
  /** Whether others may have it at the same time. */
  readonly shared: boolean;
  /** Whether the warden has to decide in it, because the policy is finer than the volume, or others write to it. */
  readonly live: boolean;
}

/** The root file system of a local sandbox, in the place of this host's programs and libraries. Read-only. */
export interface RootRequest {
  /** Absolute, on the host, without a symlink in it. */
  readonly path: string;
  /** What its image says that programs start with. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of its image, by content: `sha256:` and hexadecimal digits. */
  readonly imageId?: string;
  /** Of an unpacked image: the file that is locked, shared, as long as a sandbox has it. */
  readonly lock?: string;
}

/** A volume that exists. */
export interface VolumeFacts {
  readonly name: string;
  readonly runtime: RuntimeName;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Whether a sandbox has it now. */
  readonly inUse: boolean;
}

/** Everything a runtime needs to start one sandbox. */
export interface StartRequest {
  /** Lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly filesystem: FilesystemPlan;
  readonly process: ProcessPlan;
  /** Undefined: `/workspace` is an empty private folder. */
  readonly workspace: WorkspaceRequest | undefined;
  readonly volumes?: readonly VolumeRequest[];
  /** Files that the sandbox brings along, all in `TRUST_DIRECTORY`. Nobody in it can change them. */
  readonly files?: readonly SandboxFile[];
  readonly image: string | undefined;
  /** For the local runtime only. Undefined: this host's own. */
  readonly root?: RootRequest | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Resource limits that the warden sets itself, because no cgroup does; 0 is no limit. */
export interface WardenLimits {
  readonly dataBytes: number;
  readonly processes: number;
  readonly cpus: number;
}

/** Who holds the limits of the policy. */
export type LimitsHolder = "none" | "cgroup" | "rlimit";

/** Where this host finds the files of a sandbox. Everything below these paths is hostile: hold directories, follow no link. */
export interface HostView {
  /**
   * The sandbox's root as it sees it: granted parts only, read-only ones read-only. Exists from the warden's first word to
   * its end.
   */
  readonly root: string;
  /** A private copy of the workspace. */
  readonly copy?: string;
  /** An overlay: the folder of the host that is below, and the private one that holds what the sandbox changed. */
  readonly overlay?: { readonly lower: string; readonly upper: string };
}

/** A warden that runs, before its first configuration. */
export interface StartedWarden {
  /** Bytes from the warden. */
  readonly input: Readable;
  /** Bytes to the warden. */
  readonly output: Writable;
  /** The user inside. */
  readonly uid: number;
  readonly gid: number;
  /** The environment that every command starts from, `PATH` included. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: { readonly holder: LimitsHolder; readonly warden: WardenLimits };
  /** Of its image, by content: `sha256:` and hexadecimal digits. */
  readonly imageId?: string;
  /** Whether a live folder of the host, with its sockets, is visible inside. */
  readonly liveMounts: boolean;
  /** Whether a kernel holds what runs there. @default "kernel" */
  readonly isolation?: "kernel" | "none";
  /** What the workspace was; absent where nobody can review it: a live one, and one that is nowhere. */
  readonly baseline?: Baseline | undefined;
  /** What a person should know about what is in force here. */
  readonly notes: readonly string[];
  /** Undefined where this host does not see the sandbox's files. */
  readonly view?: HostView;
  /** What the warden or its launcher wrote to its error output: bounded, hostile. */
  diagnostics(): string;
  /** Settles, with the reason, when nothing of the sandbox runs any more. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends everything at once; settles when nothing is left. Idempotent. */
  end(): Promise<void>;
}

/** A warden that was started ahead of its use. Nobody has told it anything yet. */
export interface WarmWarden {
  /** What {@link finish} gives, where nothing is left for it to do. */
  readonly ready: StartedWarden | undefined;
  /** Settles, with the reason, when nothing of the sandbox runs any more. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends everything at once; settles when nothing is left. Idempotent. */
  end(): Promise<void>;
  /**
   * Does, once, what is not done ahead: a copy of the workspace is made now. Of the request only that copy and the
   * filesystem plan for it may differ from what the warden was started for.
   *
   * @throws {SandboxError} As {@link Runtime.start}; nothing is left behind then.
   */
  finish(request: StartRequest): Promise<StartedWarden>;
}

/** A runtime. */
export interface Runtime {
  readonly name: RuntimeName;
  /**
   * Starts a warden.
   *
   * @throws {SandboxError} RUNTIME_UNAVAILABLE If this runtime does not work here.
   * @throws {SandboxError} START_FAILED If the warden does not come up; nothing is left behind then.
   */
  start(request: StartRequest): Promise<StartedWarden>;
  /** Does as much of a start as can be done before it is known when the sandbox will be used. Throws as `start` does. */
  warm(request: StartRequest): Promise<WarmWarden>;
}
