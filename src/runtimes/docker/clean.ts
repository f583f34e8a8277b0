/**
 * Finds and removes what killed owners left on an engine: containers and their anonymous volumes.
 *
 * @module
 */
import type Docker from "dockerode";
import { type Leftover, type LeftoverReport, OWNER_GONE, stateOf } from "../leftovers.ts";
import { OWNER_LABEL, SANDBOX_LABEL } from "../owner.ts";
import { isOurs } from "./create.ts";
import { messageOf, statusOf } from "./failures.ts";

interface Found extends Leftover {
  remove(): Promise<unknown>;
}

/** Removes what dead owners left; with `dryRun` only says what that would be. Everything of ours is labelled. */
export async function cleanEngine(docker: Docker, dryRun: boolean): Promise<LeftoverReport> {
  const found = [...(await containers(docker)), ...(await volumes(docker))];
  const removed: Leftover[] = [];
  const left: Leftover[] = [];
  for (const { remove, ...leftover } of found) {
    const problem = leftover.reason === OWNER_GONE && !dryRun ? await problemOf(remove()) : undefined;
    if (problem !== undefined) left.push({ ...leftover, reason: problem });
    else if (leftover.reason === OWNER_GONE) removed.push(leftover);
    else left.push(leftover);
  }
  return { removed, left };
}

async function containers(docker: Docker): Promise<Found[]> {
  const all = await docker.listContainers({ all: true, filters: { label: [SANDBOX_LABEL] } });
  return all.filter(isOurs).flatMap(({ Id, Names, Labels }) => {
    const name = Names[0]?.slice(1) ?? Id;
    // A warden ends with its link, and the link with its owner: one that still runs then has been kept by the engine.
    return judge("container", name, Labels, () => docker.getContainer(Id).remove({ force: true, v: true }));
  });
}

/** Those that no container has: the others go with theirs. */
async function volumes(docker: Docker): Promise<Found[]> {
  const { Volumes } = await docker.listVolumes({ filters: { label: [SANDBOX_LABEL], dangling: ["true"] } });
  return (Volumes ?? []).flatMap(({ Name, Labels }) => {
    return judge("volume", Name, Labels ?? {}, () => docker.getVolume(Name).remove());
  });
}

/** Nothing, if the owner lives. */
function judge(
  kind: Leftover["kind"],
  name: string,
  labels: Readonly<Record<string, string>>,
  remove: () => Promise<unknown>,
): Found[] {
  const state = stateOf(labels[OWNER_LABEL]);
  if (state === "alive") return [];
  const reason =
    state === "dead" ? OWNER_GONE : "it was made on another host, boot or container: who made it cannot be told";
  return [{ runtime: "docker", kind, name, reason, remove }];
}

/** Why it is still there, if it is. */
async function problemOf(removal: Promise<unknown>): Promise<string | undefined> {
  try {
    await removal;
    return undefined;
  } catch (error) {
    return statusOf(error) === 404 ? undefined : messageOf(error);
  }
}
