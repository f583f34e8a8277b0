/**
 * Removes what a killed process left behind.
 *
 * A warden dies with its link, and its container goes with it. Only a process killed between creating a container and
 * starting it leaves one, and an engine killed while it removes one.
 *
 * @module
 */
import type Docker from "dockerode";
import { isOwnerDead, OWNER_LABEL } from "./owner.ts";

/** Removes containers of dead owners on this host that do not run. Never fails: what stays is tried again next time. */
export async function sweepLeftovers(docker: Docker): Promise<number> {
  try {
    const filters = { label: [OWNER_LABEL], status: ["created", "exited", "dead"] };
    const containers = await docker.listContainers({ all: true, filters });
    const dead = containers.filter((container) => isOwnerDead(container.Labels[OWNER_LABEL]));
    await Promise.all(dead.map((container) => remove(docker, container.Id)));
    return dead.length;
  } catch {
    return 0;
  }
}

async function remove(docker: Docker, id: string): Promise<void> {
  try {
    // Without force: should it run by now, it is somebody's.
    await docker.getContainer(id).remove({ v: true });
  } catch {
    // Another process sweeps as well, or it is being removed already.
  }
}
