/**
 * Creates containers.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { isOwnerDead, OWNER_LABEL } from "../owner.ts";
import { statusOf } from "./failures.ts";
import { removeContainer } from "./lifecycle.ts";

/** The body of the request that creates a container. */
export type ContainerBody = Readonly<Record<string, unknown>>;

/** Creates a container. */
export function createContainer(docker: Docker, body: ContainerBody, name?: string): Promise<Docker.Container> {
  const query = name === undefined ? {} : { name };
  // Apart, because dockerode would repeat all of the body in the address.
  const options = { ...query, _query: query, _body: body };
  return docker.createContainer(options);
}

/** Creates a container that never runs: the engine unpacks archives only into containers. */
export function createHelper(docker: Docker, body: ContainerBody, name?: string): Promise<Docker.Container> {
  return createContainer(docker, { ...body, Entrypoint: ["/never-run"], Cmd: [] }, name);
}

/** How long somebody may hold a lock. What is done under one takes a tenth of a second. */
const LOCK_MS = 15_000;

/** Creates a helper that at most one process has at a time, on any host that uses this engine: names are unique. */
export async function createLock(docker: Docker, body: ContainerBody, name: string): Promise<Docker.Container> {
  for (;;) {
    try {
      return await createHelper(docker, body, name);
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
    }
    await waitForLock(docker.getContainer(name));
  }
}

async function waitForLock(holder: Docker.Container): Promise<void> {
  let facts: Docker.ContainerInspectInfo;
  try {
    facts = await holder.inspect();
  } catch (error) {
    if (statusOf(error) === 404) return;
    throw error;
  }
  // By the engine's clock, which need not be ours: generous, and only for owners of other hosts.
  const stale = Date.now() - Date.parse(facts.Created) > LOCK_MS;
  if (stale || isOwnerDead(facts.Config.Labels[OWNER_LABEL])) await removeContainer(holder);
  else await sleep(20);
}
