/**
 * The volume through which the warden reaches containers: one for each engine and warden, read-only in every sandbox.
 *
 * Nothing needs to be in the image, and nothing of the client's disk is mounted, so this works with a remote engine.
 *
 * @module
 */
import type Docker from "dockerode";
import type { WardenBinary } from "../../warden/mod.ts";
import type { Agent } from "../workspace/ownership.ts";
import { statInside } from "./archive-stat.ts";
import { type Mount, wardenDirectory } from "./container-options.ts";
import { createLock } from "./create.ts";
import { statusOf } from "./failures.ts";
import { removeContainer } from "./lifecycle.ts";
import { archiveOf, FILE_TIME, identityDirectory, type VolumeFile, volumeFiles } from "./warden-files.ts";

/** The volume of one engine and warden. */
export interface WardenVolume {
  /** The mounts that bring it into a container for this agent, at `directory`. */
  mounts(agent: Agent, directory: string): readonly Mount[];
  /** Gives up the passwd entries, for an engine that does not mount them. */
  forgoIdentities(): void;
  /** Whether the files for this agent are known to be complete. */
  isFilled(agent: Agent): boolean;
  /** Looks, through a container that mounts the volume at `directory`, whether the files are complete. */
  check(container: Docker.Container, agent: Agent, directory: string): Promise<boolean>;
  /** Fills the volume through a container of its own, made from `image`, that never runs. */
  fill(image: string, labels: Readonly<Record<string, string>>, agent: Agent): Promise<void>;
  /** Forgets what is known: something in the volume was not as it should be. */
  forget(): void;
  /** Undefined where agents have no passwd entry, and why. */
  note(): string | undefined;
}

/** Opens the volume, making it where it does not exist. */
export async function openWardenVolume(docker: Docker, warden: WardenBinary): Promise<WardenVolume> {
  const name = `cofferdam-warden-${warden.sha256.slice(0, 16)}`;
  const { Driver: driver, Mountpoint: mountpoint } = await inspectOrCreate(docker, name);
  // A file of the volume is mounted by its path on the engine's own disk. Other drivers keep theirs elsewhere.
  let identities = driver === "local" && mountpoint?.startsWith("/") ? mountpoint : undefined;
  const filled = new Set<string>();
  const filling = new Map<string, Promise<void>>();
  return {
    note: () => (identities === undefined ? "the agent has no passwd entry: the engine cannot mount one" : undefined),
    mounts: (agent, directory) => mountsOf(name, directory, identities, agent),
    forgoIdentities: () => {
      identities = undefined;
    },
    isFilled: (agent) => filled.has(identityDirectory(agent)),
    forget: () => filled.clear(),
    check: async (container, agent, directory) => {
      if (!(await areComplete(container, directory, await volumeFiles(warden, agent)))) return false;
      filled.add(identityDirectory(agent));
      return true;
    },
    fill: (image, labels, agent) => {
      const key = identityDirectory(agent);
      const running = filling.get(key) ?? fillVolume(docker, name, image, labels, warden, agent);
      filling.set(key, running);
      return running
        .then(() => {
          filled.add(key);
        })
        .finally(() => filling.delete(key));
    },
  };
}

async function inspectOrCreate(docker: Docker, name: string): Promise<{ Driver?: string; Mountpoint?: string }> {
  const volume = docker.getVolume(name);
  try {
    return await volume.inspect();
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  await docker.createVolume({ Name: name, Driver: "local", Labels: { "dev.cofferdam.volume": "warden" } });
  return volume.inspect();
}

function mountsOf(name: string, directory: string, identities: string | undefined, agent: Agent): Mount[] {
  const warden: Mount = { ...volumeMount(name, directory), ReadOnly: true };
  if (identities === undefined) return [warden];
  const files = ["passwd", "group"].map(
    (file): Mount => ({
      Type: "bind",
      Source: `${identities}/${identityDirectory(agent)}/${file}`,
      Target: `/etc/${file}`,
      ReadOnly: true,
      // Without a propagation: for its own disk the engine refuses the usual one and chooses itself.
    }),
  );
  return [warden, ...files];
}

function volumeMount(name: string, directory: string): Mount {
  return { Type: "volume", Source: name, Target: directory, ReadOnly: false, VolumeOptions: { NoCopy: true } };
}

async function fillVolume(
  docker: Docker,
  name: string,
  image: string,
  labels: Readonly<Record<string, string>>,
  warden: WardenBinary,
  agent: Agent,
): Promise<void> {
  const files = await volumeFiles(warden, agent);
  const directory = wardenDirectory();
  const Mounts = [volumeMount(name, directory)];
  const body = { Image: image, Labels: labels, HostConfig: { NetworkMode: "none", Mounts } };
  const helper = await createLock(docker, body, `${name}-fill`);
  try {
    // Whoever held the lock before may have filled it, and what is complete may be in use.
    if (await areComplete(helper, directory, files)) return;
    await helper.putArchive(archiveOf(files), { path: directory });
  } finally {
    await removeContainer(helper);
  }
}

async function areComplete(
  container: Docker.Container,
  directory: string,
  files: readonly VolumeFile[],
): Promise<boolean> {
  const complete = await Promise.all(files.map((file) => isComplete(container, directory, file)));
  return complete.every(Boolean);
}

async function isComplete(container: Docker.Container, directory: string, file: VolumeFile): Promise<boolean> {
  const stat = await statInside(container, `${directory}/${file.path}`);
  return stat?.size === file.content.length && Date.parse(String(stat.mtime)) === FILE_TIME * 1000;
}
