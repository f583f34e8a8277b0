/**
 * Removes what a killed process left behind.
 *
 * A warden dies with its link, and its container goes with it. Only a process killed between creating a container and
 * starting it leaves one, and an engine killed while it removes one.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { isOwnerDead, OWNER_LABEL, SANDBOX_LABEL } from "../owner.ts";
import type { StartContext } from "./context.ts";
import { isOurs } from "./create.ts";

/** Removes what dead owners on this host left and what is not in use. Never fails: what stays is tried again next time. */
export async function sweepLeftovers(docker: Docker): Promise<number> {
  try {
    const filters = { label: [OWNER_LABEL], status: ["created", "exited", "dead"] };
    const containers = await docker.listContainers({ all: true, filters });
    const dead = containers.filter((each) => isOurs(each) && isOwnerDead(each.Labels[OWNER_LABEL]));
    // Without force: should it run by now, it is somebody's.
    await Promise.all(dead.map((container) => docker.getContainer(container.Id).remove({ v: true }).catch(ignore)));
    const volumes = await volumesWith(docker, OWNER_LABEL);
    const orphans = volumes.filter((volume) => isOwnerDead(volume.Labels[OWNER_LABEL]));
    await Promise.all(orphans.map((volume) => docker.getVolume(volume.Name).remove().catch(ignore)));
    return dead.length + orphans.length;
  } catch {
    return 0;
  }
}

/**
 * Removes what is left of sandboxes of this process whose end the engine did not confirm, because it was away. What was
 * removed is struck from the set.
 *
 * An engine that was killed may have confirmed an end before it removed the volumes: those of every sandbox that is not
 * `alive` go as well.
 */
export async function removeUnconfirmed(docker: Docker, { unconfirmed, alive, owner }: StartContext): Promise<void> {
  const deadline = Date.now() + SETTLES_MS;
  const away = [...unconfirmed];
  while (!(await removeSandboxes(docker, away)) && Date.now() < deadline) await sleep(100);
  if (Date.now() < deadline) for (const id of away) unconfirmed.delete(id);
  if (owner === undefined) return;
  const forgotten = (await volumesWith(docker, `${OWNER_LABEL}=${owner}`)).filter(
    ({ Labels }) => !alive.has(Labels[SANDBOX_LABEL] ?? ""),
  );
  await Promise.all(forgotten.map((volume) => docker.getVolume(volume.Name).remove().catch(ignore)));
}

/** How long an engine that came back may be busy with what it found. */
const SETTLES_MS = 10_000;

/** Whether nothing of them was there any more: what an engine removes at the moment it may yet forget. */
async function removeSandboxes(docker: Docker, ids: readonly string[]): Promise<boolean> {
  const nothing = await Promise.all(
    ids.map(async (id) => {
      const label = `${SANDBOX_LABEL}=${id}`;
      const labelled = await docker.listContainers({ all: true, filters: { label: [label] } });
      const containers = labelled.filter(isOurs);
      await Promise.all(
        containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(ignore)),
      );
      const { Volumes } = await docker.listVolumes({ filters: { label: [label] } });
      await Promise.all((Volumes ?? []).map(({ Name }) => docker.getVolume(Name).remove().catch(ignore)));
      return containers.length === 0 && (Volumes ?? []).length === 0;
    }),
  );
  return nothing.every((each) => each);
}

async function volumesWith(
  docker: Docker,
  label: string,
): Promise<readonly { Name: string; Labels: Record<string, string> }[]> {
  // A volume in use is refused by the engine; only those that nobody uses are asked for all the same.
  const { Volumes } = await docker.listVolumes({ filters: { label: [label], dangling: ["true"] } });
  return (Volumes ?? []).map(({ Name, Labels }) => ({ Name, Labels: Labels ?? {} }));
}

/** Another process sweeps as well, or it is being removed already. */
function ignore(): void {}
