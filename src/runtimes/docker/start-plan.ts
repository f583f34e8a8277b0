/**
 * Everything about a start that is decided before the engine is asked to create anything.
 *
 * @module
 */
import { SandboxError } from "../../errors.ts";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import { AGENT_UID } from "../identity.ts";
import { OWNER_LABEL, SANDBOX_LABEL } from "../owner.ts";
import type { StartRequest, VolumeRequest, WorkspaceRequest } from "../runtime.ts";
import { BaselineRecorder } from "../workspace/baseline.ts";
import type { Agent } from "../workspace/ownership.ts";
import { type PreparedWorkspace, prepareWorkspace } from "../workspace/prepare.ts";
import { type ContainerPlan, type Mount, wardenDirectory } from "./container-options.ts";
import type { StartContext } from "./context.ts";
import { type ImageFacts, inspectImage } from "./engine.ts";
import { limitsFor } from "./limits.ts";
import { checkVolumes, holdLabels, volumeMount } from "./volumes.ts";
import { copyMount, type WorkspaceCopy } from "./workspace-copy.ts";
import { checkMountable, workspaceMounts } from "./workspace-mounts.ts";

/** A start, decided. */
export interface StartPlan {
  readonly id: string;
  readonly image: string;
  readonly agent: Agent;
  readonly environment: Readonly<Record<string, string>>;
  readonly container: Omit<ContainerPlan, "mounts" | "withoutIpv6">;
  readonly workspaceMounts: readonly Mount[];
  /** What is copied in once the container runs. */
  readonly copy: WorkspaceCopy | undefined;
  /** The folder of this host that is mounted. */
  readonly live: WorkspaceRequest | undefined;
  readonly volumes: readonly VolumeRequest[];
}

/** Decides everything that can be decided without a container. */
export async function planStart(context: StartContext, request: StartRequest): Promise<StartPlan> {
  const image = request.image ?? context.image;
  const limits = limitsFor(request.process.limits, context.engine);
  const [facts, workspace] = await Promise.all([inspectImage(context.docker, image), planWorkspace(context, request)]);
  if (workspace.live !== undefined) refuseVolumesInside(workspace.live.path, image, facts);
  const { agent } = workspace;
  const { volumes = [] } = request;
  await checkVolumes(context.docker, volumes, agent);
  return {
    id: request.id,
    image,
    agent,
    environment: facts.environment,
    workspaceMounts: [...workspace.mounts, ...volumes.map((volume) => volumeMount(volume, agent))],
    copy: workspace.copy,
    live: workspace.live,
    volumes,
    container: {
      imageId: facts.id,
      imageVolumes: facts.volumes,
      wardenDirectory: wardenDirectory(),
      agent,
      limits,
      labels: { ...labelsOf(context.owner, request.id), ...holdLabels(volumes) },
      emptyWorkspace: workspace.mounts.length === 0,
      workspaceWritable: workspace.writable,
      ociRuntime: context.ociRuntime,
    },
  };
}

/** The labels of everything that belongs to a sandbox. */
export function labelsOf(owner: string | undefined, id: string): Record<string, string> {
  return { [SANDBOX_LABEL]: id, ...(owner === undefined ? {} : { [OWNER_LABEL]: owner }) };
}

interface WorkspacePlan {
  readonly agent: Agent;
  readonly mounts: readonly Mount[];
  readonly copy: WorkspaceCopy | undefined;
  readonly live: WorkspaceRequest | undefined;
  readonly writable: boolean;
}

async function planWorkspace(context: StartContext, request: StartRequest): Promise<WorkspacePlan> {
  const { workspace } = request;
  if (workspace?.mode === "overlay") throw noOverlay(workspace);
  if (workspace?.mode === "mount") return planMount(context, workspace, request);
  const agent = { uid: AGENT_UID, gid: AGENT_UID };
  const source = workspace?.path;
  const copy = planCopy(request, agent);
  const { prepared } = copy;
  const writable = prepared.grants.some((grant) => grant.relative === "." && grant.access === "write");
  // Nothing to copy and nothing to make: a folder in memory does, and costs nothing.
  if (source === undefined && prepared.missing.length === 0) {
    return { agent, mounts: [], copy: undefined, live: undefined, writable };
  }
  return {
    agent,
    mounts: [copyMount(labelsOf(context.owner, request.id))],
    copy,
    live: undefined,
    writable,
  };
}

/** What a copy is made from, as it is now. */
export function planCopy({ workspace, filesystem }: StartRequest, agent: Agent): WorkspaceCopy {
  const source = workspace?.path;
  const prepared = prepareWorkspace({ path: source, filesystem, create: undefined });
  return { source, agent, prepared, baseline: new BaselineRecorder() };
}

function planMount(context: StartContext, workspace: WorkspaceRequest, request: StartRequest): WorkspacePlan {
  checkMountable(workspace, context.engine, context.local);
  const { path, uid, gid } = workspace;
  // Group 0 owns much of an image. The agent owns its workspace anyway.
  const agent = { uid, gid: gid === 0 ? uid : gid };
  const prepared: PreparedWorkspace = prepareWorkspace({ path, filesystem: request.filesystem, create: { uid, gid } });
  return { agent, mounts: workspaceMounts(path, prepared.grants), copy: undefined, live: workspace, writable: true };
}

function noOverlay({ path }: WorkspaceRequest): SandboxError {
  const reason = "the docker runtime has no overlays";
  return new SandboxError("WORKSPACE_UNUSABLE", `Cannot use "${path}" as an overlay: ${reason}`, {
    details: { path, reason },
    hint: 'Use workspace: { path, mode: "copy" }, which leaves the folder alone too',
  });
}

/** The engine would make the volume's mount point in the folder of the host. */
function refuseVolumesInside(path: string, image: string, facts: ImageFacts): void {
  const inside = facts.volumes.find((volume) => volume.startsWith(`${WORKSPACE_PATH}/`));
  if (inside === undefined) return;
  const reason = `the image ${image} declares a volume inside it (${inside})`;
  throw new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be mounted: ${reason}`, {
    details: { path, reason },
    hint: "Use a copy of the workspace, or another image.",
  });
}
