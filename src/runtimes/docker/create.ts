/**
 * Creates containers.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { isOwnerDead, OWNER_LABEL, SANDBOX_LABEL } from "../owner.ts";
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
export function createHelper(
  docker: Docker,
  body: ContainerBody,
  name: string = helperName(),
): Promise<Docker.Container> {
  return createContainer(docker, { ...body, Entrypoint: ["/never-run"], Cmd: [] }, name);
}

/** The name of a container that is no sandbox. */
export function helperName(): string {
  return `cofferdam-helper-${randomBytes(8).toString("hex")}`;
}

const HELPER = /^\/cofferdam-(?:helper-[0-9a-f]{16}|warden-[0-9a-f]{16}-fill)$/;

/**
 * Whether a container with our labels is one of ours: it has a name of ours as well. Labels alone prove nothing, for a container
 * has those of its image, and who commits a sandbox's container has an image with ours.
 */
export function isOurs({ Names, Labels }: Pick<Docker.ContainerInfo, "Names" | "Labels">): boolean {
  return Names.some((name) => HELPER.test(name) || name === `/cofferdam-${Labels[SANDBOX_LABEL]}`);
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
