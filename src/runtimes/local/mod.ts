/**
 * The embedded runtime: the warden under namespaces of its own, on a root of exactly the granted paths. No daemon, no
 * image, no root needed.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { SandboxError } from "../../errors.ts";
import { encodeMessage } from "../../link/codec.ts";
import { CODES, FLAGS } from "../../link/protocol.ts";
import type { LocateWarden } from "../../warden/mod.ts";
import { AGENT_UID } from "../identity.ts";
import { ownedName } from "../leftovers.ts";
import { DEFAULT_WARDEN_LIMITS, needsGroup, wardenLimits } from "../limits.ts";
import type { Runtime, StartedWarden, StartRequest, WardenLimits, WarmWarden } from "../runtime.ts";
import type { Survey } from "../workspace/mod.ts";
import { createLimitGroups, type LimitGroups } from "./cgroups.ts";
import { type Launched, launch } from "./launch.ts";
import { planLayout } from "./layout.ts";
import { encodeStep, type Step } from "./steps.ts";
import { surveyFolder } from "./survey.ts";
import { type HostUser, hostUser } from "./user.ts";
import { volumeSteps } from "./volumes.ts";
import { type LocalWorkspace, prepareLocalWorkspace } from "./workspace.ts";

/** What the local runtime is made of. */
export interface LocalRuntimeOptions {
  readonly locateWarden: LocateWarden;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The local runtime. See namespaces(7), Landlock and seccomp(2) for what it stands on. */
export function localRuntime(options: LocalRuntimeOptions): Runtime {
  return { name: "local", start: (request) => start(request, options), warm: (request) => warm(request, options) };
}

interface Limits {
  readonly groups: LimitGroups | undefined;
  readonly warden: WardenLimits;
}

async function start(request: StartRequest, options: LocalRuntimeOptions): Promise<StartedWarden> {
  const begun = await begin(request, options);
  return complete(begun, request);
}

/** A copy, and what lies below an overlay, is to be what is there when the sandbox is used; otherwise nothing is left for later. */
async function warm(request: StartRequest, options: LocalRuntimeOptions): Promise<WarmWarden> {
  const begun = await begin(request, options);
  const { ended } = begun.launched;
  const { workspace } = request;
  const built = workspace === undefined || workspace.mode === "mount" ? await complete(begun, request) : undefined;
  return { ready: built, ended, end: begun.end, finish: async (later) => built ?? complete(begun, later) };
}

/** A launcher that waits for what it is to build. */
interface Begun {
  readonly launched: Launched;
  readonly user: HostUser;
  readonly survey: Survey;
  own(kind: Owned["kind"], path: string): void;
  end(): Promise<void>;
}

async function begin(request: StartRequest, options: LocalRuntimeOptions): Promise<Begun> {
  requireLinux(request);
  const user = hostUser(request.workspace);
  const warden = await options.locateWarden(process.arch === "arm64" ? "arm64" : "x64");
  // The launcher comes first: what is made on the host from here on is its to remove, even if this process is killed.
  const launched = await launch(warden.path);
  const owned: Owned[] = [];
  const own = (kind: Owned["kind"], path: string) => {
    owned.push({ kind, path });
    launched.output.write(encodeOwned({ kind, path }));
  };
  return { launched, user, own, survey: surveyBy(warden.path), end: () => endAndRemove(launched, warden.path, owned) };
}

async function complete({ launched, user, own, survey, end }: Begun, request: StartRequest): Promise<StartedWarden> {
  const inside = { uid: AGENT_UID, gid: AGENT_UID };
  const owner = user.rootful
    ? { ownerUid: user.uid, ownerGid: user.gid }
    : { ownerUid: AGENT_UID, ownerGid: AGENT_UID };
  try {
    const volumes = (request.volumes ?? []).map(({ path }) => path);
    const { filesystem, files = [], root } = request;
    const layout = planLayout(filesystem, { ...inside, ...owner, volumes, files, root });
    const limits = await holdLimits(request, (directory) => own("cgroup", directory));
    const maker = { user, launcher: launched, survey, own: (folder: string) => own("folder", folder) };
    const workspace = await prepareLocalWorkspace(request, maker);
    const steps = [...layout.steps, ...workspace.steps, ...(await volumeSteps(request.volumes ?? [], user.rootful))];
    request.signal?.throwIfAborted();
    launched.output.write(Buffer.concat(launchFrames(user, workspace, limits, steps)));
    return {
      ...launched,
      end,
      ...inside,
      environment: { PATH, ...root?.environment },
      ...(root?.imageId === undefined ? {} : { imageId: root.imageId }),
      limits: { holder: limitsHolder(request, limits), warden: limits.warden },
      baseline: workspace.baseline,
      liveMounts: layout.liveMounts || request.workspace?.mode === "mount" || isLive(request.volumes),
      notes: [...notes(user, request, limits), ...workspace.notes],
      view: { root: launched.root, ...workspace.view },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function isLive(volumes: StartRequest["volumes"]): boolean {
  return volumes?.some(({ live }) => live) ?? false;
}

/** By a launcher that builds nothing. */
function surveyBy(wardenPath: string): Survey {
  return async (folder, roots) => {
    const launcher = await launch(wardenPath);
    try {
      return await surveyFolder(launcher, folder, roots);
    } finally {
      await launcher.finish();
    }
  };
}

/** A path of the host that goes with the sandbox. */
interface Owned {
  readonly kind: keyof typeof CODES.owned;
  readonly path: string;
}

function encodeOwned({ kind, path }: Owned): Buffer {
  return encodeMessage("owned", { kind: CODES.owned[kind], path: Buffer.from(path) });
}

/** Ends the launcher. Where it was killed before it could clean up, another one does that. */
async function endAndRemove(launched: Launched, wardenPath: string, owned: readonly Owned[]): Promise<void> {
  await launched.end();
  if (!owned.some(({ path }) => existsSync(path))) return;
  const cleaner = await launch(wardenPath);
  await new Promise((resolve) => cleaner.output.write(Buffer.concat(owned.map(encodeOwned)), resolve));
  // No signal: it would come before the new process has blocked it, and there is no sandbox to kill.
  await cleaner.finish();
}

function requireLinux(request: StartRequest): void {
  const reason =
    request.image !== undefined
      ? "it has no images"
      : process.platform !== "linux"
        ? `it needs Linux, and this is ${process.platform}`
        : undefined;
  if (reason === undefined) return;
  throw new SandboxError("RUNTIME_UNAVAILABLE", `Cannot start a sandbox on the local runtime: ${reason}`, {
    details: { runtime: "local", reason },
    hint: request.image === undefined ? 'Use runtime: "docker"' : 'Use runtime: "docker", or an unpacked image as root',
  });
}

async function holdLimits(request: StartRequest, own: (directory: string) => void): Promise<Limits> {
  const limits = request.process.limits;
  if (!needsGroup(limits)) return { groups: undefined, warden: DEFAULT_WARDEN_LIMITS };
  const groups = await createLimitGroups(ownedName(request.id), limits, own);
  if (groups !== undefined) return { groups, warden: DEFAULT_WARDEN_LIMITS };
  if (limits.mode === "best-effort") return { groups: undefined, warden: wardenLimits(limits) };
  throw new SandboxError(
    "ENFORCEMENT_MISSING",
    "Cannot hold the limits of process.limits: this process has no control group to divide",
    {
      details: { feature: "cgroup" },
      hint: "Start the program with `systemd-run --user --scope -p Delegate=yes`, use the docker runtime, or write process.limits.mode: best-effort",
    },
  );
}

function limitsHolder(request: StartRequest, limits: Limits): "none" | "cgroup" | "rlimit" {
  if (limits.groups !== undefined) return "cgroup";
  return needsGroup(request.process.limits) ? "rlimit" : "none";
}

function notes(user: HostUser, request: StartRequest, limits: Limits): string[] {
  const found: string[] = [];
  if (limitsHolder(request, limits) === "rlimit") {
    found.push("limits hold for each process by itself (rlimits), because there is no control group here");
  }
  if (!user.rootful) found.push("the agent keeps the supplementary groups of the user who started it");
  return found;
}

function launchFrames(user: HostUser, workspace: LocalWorkspace, limits: Limits, steps: readonly Step[]): Buffer[] {
  const namespace = encodeMessage("namespace", {
    flags: user.rootful ? FLAGS.namespace.rootful : 0,
    hostUid: user.uid,
    hostGid: user.gid,
    uid: AGENT_UID,
    gid: AGENT_UID,
    hostname: Buffer.from("sandbox"),
    workspace: Buffer.from(workspace.source),
    cgroups: (limits.groups?.directories ?? []).map((directory) => Buffer.from(directory)),
  });
  return [namespace, ...steps.map(encodeStep), encodeMessage("enter", {})];
}
