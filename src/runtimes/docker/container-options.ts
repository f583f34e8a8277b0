/**
 * One sandbox as the options of a container.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { HOME_PATH, WORKSPACE_PATH } from "../../policy/core.ts";
import type { Agent } from "../workspace/ownership.ts";
import type { ContainerBody } from "./create.ts";
import type { ContainerLimits } from "./limits.ts";
import { SECCOMP_OPTION } from "./seccomp-profile.ts";

/** Where the warden is in a container: another place in each, for an image could have a link at a place that it knows. */
export function wardenDirectory(): string {
  return `/.cofferdam-${randomBytes(16).toString("hex")}`;
}

/** One entry of `HostConfig.Mounts`. */
export interface Mount {
  readonly Type: "bind" | "volume";
  readonly Target: string;
  /** Absent: an anonymous volume, which goes with the container. */
  readonly Source?: string;
  readonly ReadOnly: boolean;
  readonly VolumeOptions?: { readonly NoCopy: boolean; readonly Labels?: Readonly<Record<string, string>> };
  readonly BindOptions?: { readonly Propagation: "rprivate"; readonly NonRecursive: boolean };
}

/** What a container is made from. */
export interface ContainerPlan {
  readonly imageId: string;
  readonly imageVolumes: readonly string[];
  readonly agent: Agent;
  readonly limits: ContainerLimits;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the warden's volume is. */
  readonly wardenDirectory: string;
  /** The warden's volume, the passwd entries and the workspace. */
  readonly mounts: readonly Mount[];
  /** Whether the workspace is an empty folder in memory. */
  readonly emptyWorkspace: boolean;
  readonly workspaceWritable: boolean;
  readonly ociRuntime: string | undefined;
  /** Whether to switch IPv6 off, which kernels without it do not let us. */
  readonly withoutIpv6: boolean;
}

/** Shared memory of a sandbox: browsers need more than the engine's 64 MiB. It counts towards the memory limit. */
const SHM_BYTES = 256 * 1024 * 1024;

/** Under memory pressure a sandbox goes before what its host is for. */
const OOM_SCORE = 500;

/** The body of the request that creates the container of a sandbox. */
export function containerBody(plan: ContainerPlan): ContainerBody {
  const { agent, limits } = plan;
  return {
    Image: plan.imageId,
    Hostname: "sandbox",
    User: `${agent.uid}:${agent.gid}`,
    Entrypoint: [`${plan.wardenDirectory}/warden`],
    Cmd: [],
    WorkingDir: "/",
    Env: [],
    Labels: plan.labels,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // Without this the warden's stdin stays open when its client is killed, and the container outlives it.
    StdinOnce: true,
    Tty: false,
    // An image's own check would run outside the warden.
    Healthcheck: { Test: ["NONE"] },
    StopSignal: "SIGKILL",
    HostConfig: {
      NetworkMode: "none",
      // The engine's resolver and search domains are the host's.
      Dns: ["127.0.0.1"],
      DnsSearch: ["."],
      DnsOptions: ["ndots:0"],
      Sysctls: {
        // The warden's name server has no privilege to bind its port by.
        "net.ipv4.ip_unprivileged_port_start": "0",
        ...(plan.withoutIpv6 ? { "net.ipv6.conf.all.disable_ipv6": "1" } : {}),
      },
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges", SECCOMP_OPTION],
      AutoRemove: true,
      LogConfig: { Type: "none", Config: {} },
      Init: false,
      IpcMode: "private",
      CgroupnsMode: "private",
      ShmSize: SHM_BYTES,
      OomScoreAdj: OOM_SCORE,
      PidsLimit: limits.processes,
      ...(limits.memoryBytes === undefined ? {} : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
      ...(limits.nanoCpus === undefined ? {} : { NanoCpus: limits.nanoCpus }),
      ...(plan.ociRuntime === undefined ? {} : { Runtime: plan.ociRuntime }),
      Tmpfs: tmpfsOf(plan),
      Mounts: plan.mounts,
    },
  };
}

/** What each private folder may hold. A memory limit covers it too. */
const TMPFS_BYTES_MAX = 2 * 1024 ** 3;

/** Folders in memory that are the sandbox's own. */
export const PRIVATE_PLACES: readonly string[] = ["/tmp", "/var/tmp", HOME_PATH];

function tmpfsOf(plan: ContainerPlan): Record<string, string> {
  const { uid, gid } = plan.agent;
  // What may be executed is for the policy to say, and the kernel of an engine may know nothing of noexec here.
  const scratch = `rw,exec,nosuid,nodev,size=${TMPFS_BYTES_MAX},uid=${uid},gid=${gid}`;
  const workspace = plan.workspaceWritable ? `${scratch},mode=0755` : `rw,exec,nosuid,nodev,uid=0,gid=${gid},mode=0750`;
  const taken = new Set(plan.mounts.map((mount) => mount.Target));
  const masked = plan.imageVolumes.filter((path) => !taken.has(path));
  const own = {
    "/tmp": `${scratch},mode=1777`,
    "/var/tmp": `${scratch},mode=1777`,
    [HOME_PATH]: `${scratch},mode=0700`,
  };
  return {
    // An image's volumes are writable in spite of the read-only root. The engine has no read-only anonymous volumes.
    ...Object.fromEntries(masked.map((path) => [path, "ro,noexec,nosuid,nodev,size=4k,mode=0555"])),
    ...Object.fromEntries(Object.entries(own).filter(([path]) => !taken.has(path))),
    ...(plan.emptyWorkspace ? { [WORKSPACE_PATH]: workspace } : {}),
  };
}
