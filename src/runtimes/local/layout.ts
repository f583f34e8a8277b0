/**
 * What a local sandbox's root consists of: from the grants of a policy to the steps that build it.
 *
 * @module
 */
import { totalmem } from "node:os";
import type { FilesystemGrant, FilesystemPlan } from "../../domains/filesystem/mod.ts";
import { type SandboxFile, TRUST_DIRECTORY } from "../../egress/tls/trust.ts";
import { SandboxError } from "../../errors.ts";
import { BASELINE, HOME_PATH, isWithin, WORKSPACE_PATH } from "../../policy/core.ts";
import { groupFile, passwdFile } from "../identity.ts";
import type { RootRequest } from "../runtime.ts";
import type { PreparedWorkspace, WorkspaceGrant } from "../workspace/mod.ts";
import { createResolver, type ResolvedPath } from "./host-paths.ts";
import type { Step } from "./steps.ts";

/** What the layout must know beside the plan. */
export interface LayoutContext {
  /** The user inside. */
  readonly uid: number;
  readonly gid: number;
  /** The owner of the private folders, as the process that mounts them counts: the host's for root, else inside. */
  readonly ownerUid: number;
  readonly ownerGid: number;
  /** Folders that volumes are mounted on: absolute. */
  readonly volumes?: readonly string[];
  /** Files that the sandbox brings along. */
  readonly files?: readonly SandboxFile[];
  /** Where programs and libraries come from. @default this host */
  readonly root?: Pick<RootRequest, "path" | "lock"> | undefined;
}

/** A layout, and whether it shows folders of the host that are neither the system's nor the workspace. */
export interface Layout {
  readonly steps: readonly Step[];
  readonly liveMounts: boolean;
}

/** What belongs to the kernel, whatever the root is. */
const KERNEL = "/sys";

/** Folders that are the sandbox's own: nothing of the host is ever bound there. */
const PRIVATE = ["/tmp", "/var/tmp", HOME_PATH];

/** Files that are made for the sandbox instead of shown from the host. */
function syntheticFiles({ uid, gid }: LayoutContext): Readonly<Record<string, string>> {
  return {
    "/etc/passwd": passwdFile(uid, gid),
    "/etc/group": groupFile(gid),
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/hostname": "sandbox\n",
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions ndots:0\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
  };
}

/** The host's terminals are counted together: one sandbox must not take them all. */
const TERMINALS_MAX = 256;

/** What each private folder may hold: a bound that four of them reach together only by half of the memory. */
const PRIVATE_BYTES_MAX = Math.min(2 * 1024 ** 3, Math.floor(totalmem() / 8));

/** What Docker hides and freezes in /proc, and for the same reasons. */
const PROC_MASKED = ["acpi", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi"];
const PROC_FROZEN = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

/** Symlinks that programs expect in /dev. */
const DEVICE_LINKS: Readonly<Record<string, string>> = {
  "/dev/fd": "/proc/self/fd",
  "/dev/stdin": "/proc/self/fd/0",
  "/dev/stdout": "/proc/self/fd/1",
  "/dev/stderr": "/proc/self/fd/2",
  "/dev/ptmx": "pts/ptmx",
};

/**
 * Plans the root.
 *
 * @throws {SandboxError} PATH_MISSING If a path that is not optional does not exist on the host, or in the root that was named.
 * @throws {SandboxError} POLICY_UNSUPPORTED If a granted tree would have to hold the sandbox's own folders.
 */
export function planLayout(plan: FilesystemPlan, context: LayoutContext): Layout {
  const resolve = resolverOf(context.root?.path);
  const files = syntheticFiles(context);
  const { volumes = [] } = context;
  const grants = plan.grants.filter((grant) => grant.floorOnly !== true);
  const granted = (path: string) => grants.some((grant) => grant.path === path);
  const outside = grants.filter((grant) => !grant.inWorkspace && !isSandboxOwn(grant.path, files, volumes));
  const present = outside.flatMap((grant): PresentGrant[] => {
    const at = resolve(grant.path);
    return isPresent(grant, at) ? [{ grant, at }] : [];
  });
  const made = Object.keys(files).filter((path) => granted(path) && !shows(present, path));
  refuseCoveredFolders(present, resolve, volumes);
  const shown = held(binds(present), context.root?.lock);
  const links = present.flatMap(({ at }) => at.links).map(({ path, target }) => symlink(target, path));
  return {
    steps: [
      ...uniqueByTarget(links),
      ...shown.filter((step) => !isInPrivate(step)),
      ...made.map((target): Step => ({ kind: "file", target, data: files[target] ?? "" })),
      // Nothing can be made in a root of the host.
      ...(context.files ?? [])
        .filter(({ path }) => !shows(present, path))
        .map(({ path, content }): Step => ({ kind: "file", target: path, data: content })),
      ...kernelSteps(grants, context),
      ...PRIVATE.filter((target) => !volumes.includes(target)).map((target) =>
        tmpfs(target, context, target === HOME_PATH ? "0700" : "1777"),
      ),
      ...shown.filter(isInPrivate),
    ],
    liveMounts: present.some(({ grant }) => !isSystem(grant.path)),
  };
}

/** The workspace's binds: one for each grant in it that a wider one does not already give. */
export function workspaceSteps({ grants }: PreparedWorkspace): Step[] {
  const needed = grants.filter((grant) => !grants.some((other) => other !== grant && covers(other, grant)));
  const steps: Step[] = needed.map(({ relative, access }) => ({
    kind: "bind",
    source: relative,
    target: relative === "." ? WORKSPACE_PATH : `${WORKSPACE_PATH}/${relative}`,
    readOnly: access === "read",
    workspace: true,
  }));
  return [{ kind: "directory", target: WORKSPACE_PATH }, ...steps];
}

/** Paths of the host, or of another root; but for the kernel's. */
function resolverOf(root: string | undefined): Resolve {
  const ofHost = createResolver();
  if (root === undefined) return ofHost;
  const ofRoot = createResolver(root);
  return (path) => (isWithin(path, KERNEL) ? ofHost(path) : ofRoot(path));
}

/** One of the binds of an unpacked image holds the image's lock. */
function held(steps: readonly Step[], lock: string | undefined): readonly Step[] {
  const [first, ...rest] = steps;
  return lock === undefined || first?.kind !== "bind" ? steps : [{ ...first, lock, shared: true }, ...rest];
}

type Resolve = (path: string) => ResolvedPath | undefined;

/** Whether the path is one that every sandbox shows read-only. */
function isSystem(path: string): boolean {
  return BASELINE.some((base) => base.access === "read" && isWithin(path, base.path));
}

interface PresentGrant {
  readonly grant: FilesystemGrant;
  readonly at: ResolvedPath;
}

function covers(wide: WorkspaceGrant, narrow: WorkspaceGrant): boolean {
  const inside = wide.relative === "." || isWithin(`/${narrow.relative}`, `/${wide.relative}`);
  return inside && (wide.access === narrow.access || wide.access === "write");
}

function isSandboxOwn(path: string, files: Readonly<Record<string, string>>, volumes: readonly string[]): boolean {
  const roots = [HOME_PATH, "/proc", "/dev", WORKSPACE_PATH, TRUST_DIRECTORY, ...volumes];
  return path in files || PRIVATE.includes(path) || roots.some((root) => isWithin(path, root));
}

/** Whether a folder of the host shows through a private one: what is granted in `/tmp` by name is the host's. */
function isInPrivate(step: Step): boolean {
  return PRIVATE.some((root) => isWithin(step.target, root));
}

function isPresent(grant: FilesystemGrant, at: ResolvedPath | undefined): at is ResolvedPath {
  if (at !== undefined) return true;
  if (grant.optional) return false;
  throw new SandboxError(
    "PATH_MISSING",
    `Cannot grant "${grant.path}" as rule ${grant.ruleId} asks: it does not exist`,
    {
      details: { path: grant.path, rule: grant.ruleId },
      hint: "Correct the path, or write { path: ..., optional: true } if it may be missing",
    },
  );
}

/** Whether a folder of the host that is shown holds the path: then it is the host's file that is seen there. */
function shows(present: readonly PresentGrant[], path: string): boolean {
  return present.some(({ at }) => at.directory && isWithin(path, at.real));
}

/** The sandbox's own folders are mounted over those of a tree that is shown. Where they are missing nothing may make them. */
function refuseCoveredFolders(present: readonly PresentGrant[], resolve: Resolve, volumes: readonly string[]): void {
  for (const folder of [...PRIVATE, "/dev", "/proc", WORKSPACE_PATH, ...volumes]) {
    const cover = present.find(({ at }) => at.directory && isWithin(folder, at.real));
    if (cover === undefined || (cover.at.real !== "/" && resolve(folder)?.real === folder)) continue;
    const { path, ruleId } = cover.grant;
    const message = `"${path}" would have to hold the sandbox's own ${folder}, and does not have it`;
    throw new SandboxError(
      "POLICY_UNSUPPORTED",
      `Cannot grant what rule ${ruleId} asks for on the local runtime: ${message}`,
      {
        details: { issues: [{ path: ruleId, message }] },
        hint: `Grant the folders that are needed in "${path}" one by one, or use the docker runtime`,
      },
    );
  }
}

function binds(present: readonly PresentGrant[]): Step[] {
  const places = [...present].sort((a, b) => (a.at.real < b.at.real ? -1 : 1));
  const needed = places.filter((place, index) => {
    const isWrite = place.grant.access === "write";
    return !places.some((other, at) => {
      if (at === index || !isWithin(place.at.real, other.at.real)) return false;
      const same = other.at.real === place.at.real;
      if (isWrite !== (other.grant.access === "write")) return !isWrite;
      return same ? at < index : true;
    });
  });
  return needed.map(({ grant, at }) => ({
    kind: "bind",
    source: at.source,
    target: at.real,
    readOnly: grant.access !== "write",
  }));
}

function kernelSteps(grants: readonly FilesystemGrant[], context: LayoutContext): Step[] {
  const has = (path: string) => grants.some((grant) => isWithin(path, grant.path) || isWithin(grant.path, path));
  const device = (name: string) => grants.some((grant) => grant.path === `/dev/${name}` && grant.access === "device");
  const devices = ["null", "zero", "full", "random", "urandom", "tty"].filter(
    (name) => name === "null" || device(name),
  );
  const steps: Step[] = devices.map((name) => ({
    kind: "bind",
    source: `/dev/${name}`,
    target: `/dev/${name}`,
    readOnly: false,
    device: true,
  }));
  steps.push({ kind: "devpts", target: "/dev/pts", options: `mode=0620,ptmxmode=0666,max=${TERMINALS_MAX}` });
  for (const [path, target] of Object.entries(DEVICE_LINKS)) steps.push(symlink(target, path));
  if (has("/dev/shm")) steps.push(tmpfs("/dev/shm", context, "1777"));
  // The warden itself needs /proc, whatever the policy grants the agent of it.
  steps.push({ kind: "proc", target: "/proc" });
  for (const name of PROC_MASKED) steps.push({ kind: "mask", target: `/proc/${name}` });
  for (const name of PROC_FROZEN) steps.push({ kind: "freeze", target: `/proc/${name}` });
  return steps;
}

function tmpfs(target: string, { ownerUid, ownerGid }: LayoutContext, mode: string): Step {
  return {
    kind: "tmpfs",
    target,
    options: `mode=${mode},uid=${ownerUid},gid=${ownerGid},size=${PRIVATE_BYTES_MAX},nr_inodes=1m`,
  };
}

function symlink(source: string, target: string): Step {
  return { kind: "symlink", source, target };
}

function uniqueByTarget(steps: readonly Step[]): Step[] {
  return [...new Map(steps.map((step) => [step.target, step])).values()];
}
