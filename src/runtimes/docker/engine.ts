/**
 * What there is to know about a Docker engine.
 *
 * @module
 */
import { posix } from "node:path";
import process from "node:process";
import type Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import type { WardenArch } from "../../warden/mod.ts";
import { imageVariables } from "../image-variables.ts";
import { answered, imageMissing, statusOf, unreachable } from "./failures.ts";
import type { DockerOptions } from "./options.ts";

/** An engine as it answered once. */
export interface Engine {
  readonly architecture: WardenArch;
  readonly cpus: number;
  /** Which limits its cgroups hold. */
  readonly holds: { readonly memory: boolean; readonly swap: boolean; readonly pids: boolean; readonly cpus: boolean };
  /** Whether ids in a container are other ids outside, so that the owner of a mounted folder would be another user. */
  readonly remapsUsers: boolean;
}

/** What an image says about the containers made from it. */
export interface ImageFacts {
  /** Names this very image, whatever its tag is moved to meanwhile. */
  readonly id: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute, without a trailing slash. */
  readonly volumes: readonly string[];
}

/** What an engine says about itself: not to be relied upon. */
interface EngineInfo {
  readonly OSType?: unknown;
  readonly Architecture?: unknown;
  readonly NCPU?: unknown;
  readonly SecurityOptions?: unknown;
  readonly MemoryLimit?: unknown;
  readonly SwapLimit?: unknown;
  readonly PidsLimit?: unknown;
  readonly CpuCfsQuota?: unknown;
  readonly CpuCfsPeriod?: unknown;
}

/** Asks the engine what it is. */
export async function inspectEngine(docker: Docker): Promise<Engine> {
  let info: EngineInfo;
  try {
    info = await answered(docker.info());
  } catch (error) {
    throw unreachable(error);
  }
  if (info.OSType !== "linux") throw unusable(`its containers are not Linux (${String(info.OSType)})`);
  const options = Array.isArray(info.SecurityOptions) ? info.SecurityOptions.map(String) : [];
  return {
    architecture: architectureOf(String(info.Architecture)),
    cpus: typeof info.NCPU === "number" ? info.NCPU : Number.POSITIVE_INFINITY,
    holds: {
      memory: info.MemoryLimit === true,
      swap: info.SwapLimit === true,
      pids: info.PidsLimit === true,
      cpus: info.CpuCfsQuota === true && info.CpuCfsPeriod === true,
    },
    remapsUsers: options.some((option) => /^name=(rootless|userns)/.test(option)),
  };
}

/** Asks the engine about an image. */
export async function inspectImage(docker: Docker, image: string): Promise<ImageFacts> {
  let found: Docker.ImageInspectInfo;
  // No engine has an image of such a name, and some clients cannot even ask for it.
  if (!/^[\w./:@-]+$/.test(image)) throw imageMissing(image, undefined);
  try {
    found = await docker.getImage(image).inspect();
  } catch (error) {
    const status = statusOf(error);
    // 400 is what a malformed reference gives.
    if (status === 404 || status === 400) throw imageMissing(image, error);
    throw status === undefined ? unreachable(error) : error;
  }
  // An image that was imported without any configuration has null for all of these.
  const config: { readonly Env?: readonly string[] | null; readonly Volumes?: object | null } | null = found.Config;
  return {
    id: found.Id,
    environment: imageVariables(config?.Env ?? []),
    volumes: Object.keys(config?.Volumes ?? {}).map((path) => posix.resolve("/", path)),
  };
}

/** Whether the engine sees the files of this host: it does behind a socket, as far as one can tell. */
export function isLocal(connection: DockerOptions): boolean {
  if (connection.host !== undefined) return false;
  if (connection.socketPath !== undefined) return true;
  const address = process.env.DOCKER_HOST ?? "";
  return address === "" || address.startsWith("unix://") || address.startsWith("npipe://");
}

function architectureOf(name: string): WardenArch {
  if (name === "x86_64" || name === "amd64") return "x64";
  if (name === "aarch64" || name === "arm64") return "arm64";
  throw unusable(`there is no warden for its machine (${name})`);
}

function unusable(reason: string): SandboxError {
  return new SandboxError("RUNTIME_UNAVAILABLE", `The Docker engine cannot be used: ${reason}`, {
    details: { runtime: "docker", reason },
    hint: "Set DOCKER_HOST to an engine on Linux, on x86-64 or arm64.",
  });
}
