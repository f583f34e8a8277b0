/**
 * The options of `createSandbox`, checked.
 *
 * @module
 */
import { lstat, realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { CredentialSource } from "../credentials/mod.ts";
import type { ProxyOptions, Resolver } from "../egress/mod.ts";
import { SandboxError } from "../errors.ts";
import type { Approver, Plugin } from "../hooks/mod.ts";
import type { DockerOptions } from "../runtimes/docker/mod.ts";
import type { Guest } from "../runtimes/memory/mod.ts";
import type { RuntimeName, WorkspaceMode, WorkspaceRequest } from "../runtimes/runtime.ts";
import type { ApprovalOptions } from "./approvals.ts";
import type { AuditOptions } from "./audit.ts";
import { environmentBytes } from "./environment.ts";
import type { InferenceOptions } from "./inference/options.ts";
import { knownOptions, type Names } from "./known-options.ts";
import type { VolumeOptions } from "./volumes.ts";

/** A folder of the host that becomes `/workspace`. */
export interface WorkspaceOptions {
  /** Absolute, or relative to the current directory. */
  readonly path: string;
  /**
   * `copy`: a private copy, made at the start from what the policy grants; the folder itself is never touched.
   * `mount`: the folder itself, live.
   * `overlay`: the folder as it is, and every change in a private layer above it; on the local runtime only. Keep the folder
   * still meanwhile: what a sandbox sees of later changes is undefined.
   *
   * @default "copy"
   */
  readonly mode?: WorkspaceMode;
}

/** The options of `createSandbox`. All are optional. */
export interface SandboxOptions {
  /**
   * Where the sandbox runs. `auto`: docker when an image is given, else local on Linux or with a root, else docker.
   *
   * @default "auto"
   */
  readonly runtime?: RuntimeName | "auto";
  /** What runs on the `memory` runtime, which isolates nothing and is never chosen by itself. */
  readonly guest?: Guest;
  /** The image of a docker sandbox. */
  readonly image?: string;
  /**
   * Where a local sandbox has its programs and libraries from, in the place of this host's: a folder with a root file system, or an
   * image that is unpacked once, from an archive (`docker save`, `oci-archive:`) or a folder with an OCI image layout. As of the
   * host, it sees what the policy grants. Read-only.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1 }, { root: "./alpine.tar" });
   * console.log((await sandbox.exec(["cat", "/etc/os-release"])).stdout);
   * ```
   */
  readonly root?: string;
  /** A folder, as a path for a copy of it, or with its mode. Without one `/workspace` starts empty. */
  readonly workspace?: string | WorkspaceOptions;
  /** Folders that outlive the sandbox, by name. The policy says what may be done in them. At most 16. */
  readonly volumes?: readonly VolumeOptions[];
  /** The id of a snapshot that the sandbox starts from: see `sandbox.state`. */
  readonly snapshot?: string;
  /** Variables for every command, over the runtime's own. Nothing of this process's environment enters by itself. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Where the host has the credentials of the policy, by name.
   *
   * @default the variables of this process that have the credential's name, or that its provider's programs read
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox(
   *   { version: 1, network: { allow: [{ host: "api.github.com" }] }, credentials: [{ provider: "github", optional: true }] },
   *   { credentials: { github: { command: ["gh", "auth", "token"] } } },
   * );
   * ```
   */
  readonly credentials?: Readonly<Record<string, CredentialSource>>;
  /** How to reach the Docker engine, and what to ask of it. */
  readonly docker?: DockerOptions;
  /** Where records go beside `sandbox.decisions()`. */
  readonly audit?: AuditOptions;
  /** Plugins, whose hooks take part in decisions, in this order. They run in this process and see what it sees. */
  readonly plugins?: readonly Plugin[];
  /** Who is asked where the policy or a hook says `ask`. Without one, what would be asked is denied. */
  readonly approve?: Approver;
  /**
   * How long an approver may take, in milliseconds. After that the answer is no.
   *
   * @default 300000
   */
  readonly approveTimeoutMs?: number;
  /** What becomes of answers that hold for longer. */
  readonly approvals?: ApprovalOptions;
  /**
   * Finds the addresses of hosts that the policy allows, in the place of this machine's resolver. It is asked for nothing else.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox(
   *   { version: 1, network: { allow: [{ host: "api.test", ports: [8080], addresses: ["127.0.0.1"] }] } },
   *   { resolver: (host) => (host === "api.test" ? ["127.0.0.1"] : []) },
   * );
   * ```
   */
  readonly resolver?: Resolver;
  /**
   * More certificate authorities that real hosts may be certified by, as PEM: a company's own. Beside the platform's and
   * those that `NODE_EXTRA_CA_CERTS` names. Programs in the sandbox trust them too.
   */
  readonly certificates?: readonly string[];
  /**
   * The proxies that real hosts are reached through: a URL for all of them, or one for each kind, or `false` for none.
   *
   * @default those of this process's `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`
   */
  readonly proxy?: ProxyOptions | string | false;
  /** Providers of models that the host knows by name, and where their keys come from. */
  readonly inference?: InferenceOptions;
  /** Ends the start, or the sandbox once it runs. */
  readonly signal?: AbortSignal;
  /**
   * How often the host asks the warden for a sign of life, in milliseconds. Three without an answer end the sandbox.
   *
   * @default 10000
   */
  readonly heartbeatMs?: number;
}

const WORKSPACE: Names<WorkspaceOptions> = { path: true, mode: true };

const SANDBOX: Names<SandboxOptions> = {
  runtime: true,
  guest: true,
  image: true,
  root: true,
  workspace: true,
  volumes: true,
  snapshot: true,
  env: true,
  credentials: true,
  docker: true,
  audit: true,
  plugins: true,
  approve: true,
  approveTimeoutMs: true,
  approvals: true,
  resolver: true,
  certificates: true,
  proxy: true,
  inference: true,
  signal: true,
  heartbeatMs: true,
};

const DOCKER: Names<DockerOptions> = {
  socketPath: true,
  host: true,
  port: true,
  protocol: true,
  ca: true,
  cert: true,
  key: true,
  timeout: true,
  version: true,
  image: true,
  ociRuntime: true,
};

/**
 * Checks what can be checked before anything is looked at.
 *
 * @throws {SandboxError} ARGUMENT_INVALID If there is no such option, or a variable is no text.
 */
export function checkOptions(options: SandboxOptions): void {
  knownOptions("createSandbox", options, SANDBOX);
  if (options.docker !== undefined) knownOptions("docker", options.docker, DOCKER);
  environmentBytes(options.env ?? {});
}

/**
 * The workspace as the runtimes take it.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If it is not a folder.
 */
export async function resolveWorkspace(option: SandboxOptions["workspace"]): Promise<WorkspaceRequest | undefined> {
  if (option === undefined) return undefined;
  if (typeof option !== "string") knownOptions("workspace", option, WORKSPACE);
  const { path, mode = "copy" } = typeof option === "string" ? { path: option } : option;
  if (typeof path !== "string" || path === "") {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot use ${JSON.stringify(path)} as the path of a workspace`, {
      details: { argument: "workspace.path", value: path },
      hint: 'Give the path of a folder: "." is the current one',
    });
  }
  if (mode !== "copy" && mode !== "mount" && mode !== "overlay") {
    throw new SandboxError("ARGUMENT_INVALID", `Cannot use the workspace mode "${String(mode)}"`, {
      details: { argument: "workspace.mode", value: mode },
      hint: 'Use "copy", "mount" or "overlay"',
    });
  }
  const real = await realpath(resolve(path)).catch((cause: unknown) => {
    throw unusable(path, "it does not exist", cause);
  });
  const stats = await lstat(real);
  if (!stats.isDirectory()) throw unusable(path, "it is not a folder");
  if (real === "/") throw unusable(path, "it is the root of the host");
  const { uid, gid, dev: device, ino: inode } = stats;
  return { path: real, mode, uid, gid, identity: { device, inode } };
}

function unusable(path: string, reason: string, cause?: unknown): SandboxError<"WORKSPACE_UNUSABLE"> {
  return new SandboxError("WORKSPACE_UNUSABLE", `Cannot use "${path}" as the workspace: ${reason}`, {
    details: { path, reason },
    hint: "Name a folder of a project",
    cause,
  });
}
