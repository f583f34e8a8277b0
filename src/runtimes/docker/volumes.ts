/**
 * Volumes on an engine: named ones with our labels, which no sweep takes away.
 *
 * @module
 */
import type Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { isOwnerDead, OWNER_LABEL } from "../owner.ts";
import type { VolumeFacts, VolumeRequest } from "../runtime.ts";
import type { Agent } from "../workspace/ownership.ts";
import type { Mount } from "./container-options.ts";
import { messageOf, statusOf } from "./failures.ts";
import { tarOf } from "./workspace-tar.ts";

const KIND_LABEL = "dev.cofferdam.volume";
const KIND = "state";
/** The user whose files are in a volume. */
const USER_LABEL = "dev.cofferdam.user";
/** How a container has its volumes: `NAME=shared` or `NAME=alone`, with commas. */
const HELD_LABEL = "dev.cofferdam.volumes";
const PREFIX = "cofferdam-state-";

/** The label of a container that has these volumes. */
export function holdLabels(volumes: readonly VolumeRequest[]): Record<string, string> {
  if (volumes.length === 0) return {};
  return { [HELD_LABEL]: volumes.map(({ name, shared }) => `${name}=${shared ? "shared" : "alone"}`).join(",") };
}

/** The mount of a volume. The engine makes one that does not exist, with these labels. */
export function volumeMount({ name, path, access }: VolumeRequest, agent: Agent): Mount {
  const labels = { [KIND_LABEL]: KIND, [USER_LABEL]: `${agent.uid}:${agent.gid}` };
  return {
    Type: "volume",
    Source: PREFIX + name,
    Target: path,
    ReadOnly: access === "read",
    VolumeOptions: { NoCopy: true, Labels: labels },
  };
}

/**
 * Refuses volumes whose content the agent could not use.
 *
 * @throws {SandboxError} VOLUME_UNUSABLE If it is not one of ours, or another user's.
 */
export async function checkVolumes(docker: Docker, volumes: readonly VolumeRequest[], agent: Agent): Promise<void> {
  for (const { name } of volumes) {
    const labels = await labelsOf(docker, name);
    if (labels === undefined) continue;
    const user = `${agent.uid}:${agent.gid}`;
    if (labels[KIND_LABEL] !== KIND) throw unusable(name, "a volume of that name exists and was not made by Cofferdam");
    if (labels[USER_LABEL] !== user) {
      throw unusable(name, `its files are those of ${String(labels[USER_LABEL])}, and the agent is ${user} here`);
    }
  }
}

async function labelsOf(docker: Docker, name: string): Promise<Record<string, string> | undefined> {
  try {
    const { Labels } = await docker.getVolume(PREFIX + name).inspect();
    return Labels ?? {};
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/**
 * Makes sure that a created container may have its volumes. The engine shows every container from the moment of its
 * creation, so of two that start at once at least one sees the other.
 *
 * @throws {SandboxError} VOLUME_BUSY If another sandbox has one of them, or is about to.
 */
export async function holdVolumes(docker: Docker, id: string, volumes: readonly VolumeRequest[]): Promise<void> {
  for (const { name, shared } of volumes) {
    const others = await docker.listContainers({ all: true, filters: { volume: [PREFIX + name] } });
    const conflict = others.find((other) => {
      const held = other.Labels[HELD_LABEL]?.split(",") ?? [];
      return other.Id !== id && isAlive(other) && !(shared && held.includes(`${name}=shared`));
    });
    if (conflict === undefined) continue;
    const cause = conflict.State === "created" ? COLLISION : undefined;
    throw busy(`Cannot use the volume "${name}": another sandbox has it`, name, cause);
  }
}

/** Another sandbox that wants the volume was about to start as well, and may stand back in the same way. */
const COLLISION = new Error("both were about to start");

/** Whether another attempt may go better. */
export function isCollision(error: unknown): boolean {
  return SandboxError.is(error, "VOLUME_BUSY") && error.cause === COLLISION;
}

/** Whether a container writes to its volumes, or will. */
function isAlive({ State, Labels }: Docker.ContainerInfo): boolean {
  if (State === "created") return !isOwnerDead(Labels[OWNER_LABEL]);
  return State !== "exited" && State !== "dead" && State !== "removing";
}

/** Gives the top of the volumes to the agent: a new one is root's. */
export async function ownVolumes(
  container: Docker.Container,
  volumes: readonly VolumeRequest[],
  agent: Agent,
): Promise<void> {
  for (const { path, access } of volumes) {
    if (access === "read") continue;
    const mtime = Math.floor(Date.now() / 1000);
    const top = { kind: "directory", name: Buffer.alloc(0), mode: 0o700, size: 0, mtime, ...agent } as const;
    await container.putArchive(tarOf([top]), { path });
  }
}

/** The volumes on an engine. */
export async function listVolumes(docker: Docker): Promise<VolumeFacts[]> {
  const label = [`${KIND_LABEL}=${KIND}`];
  const [all, unused] = await Promise.all([
    docker.listVolumes({ filters: { label } }),
    docker.listVolumes({ filters: { label, dangling: ["true"] } }),
  ]);
  const idle = new Set((unused.Volumes ?? []).map(({ Name }) => Name));
  return (all.Volumes ?? [])
    .filter(({ Name }) => Name.startsWith(PREFIX))
    .map((volume): VolumeFacts => {
      const created = "CreatedAt" in volume && typeof volume.CreatedAt === "string" ? Date.parse(volume.CreatedAt) : 0;
      return {
        name: volume.Name.slice(PREFIX.length),
        runtime: "docker",
        createdAt: new Date(created).toISOString(),
        inUse: !idle.has(volume.Name),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Removes a volume. Whether there was one.
 *
 * @throws {SandboxError} VOLUME_BUSY If a container has it.
 * @throws {SandboxError} VOLUME_UNUSABLE If it is not one of ours.
 */
export async function removeVolume(docker: Docker, name: string): Promise<boolean> {
  const labels = await labelsOf(docker, name);
  if (labels === undefined) return false;
  if (labels[KIND_LABEL] !== KIND) throw unusable(name, "it was not made by Cofferdam");
  try {
    await docker.getVolume(PREFIX + name).remove();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    if (statusOf(error) !== 409) throw error;
    throw busy(`Cannot remove the volume "${name}": ${messageOf(error)}`, name, error);
  }
}

function busy(message: string, volume: string, cause?: unknown): SandboxError<"VOLUME_BUSY"> {
  return new SandboxError("VOLUME_BUSY", message, {
    details: { volume },
    hint: "Wait for the end of that sandbox, or say shared: true in both",
    ...(cause === undefined ? {} : { cause }),
  });
}

function unusable(volume: string, reason: string): SandboxError<"VOLUME_UNUSABLE"> {
  return new SandboxError("VOLUME_UNUSABLE", `Cannot use the volume "${volume}": ${reason}`, {
    details: { volume, reason },
    hint: "Use another name, or a workspace mode that gives the agent the same user (copy)",
  });
}
