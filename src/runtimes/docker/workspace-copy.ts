/**
 * Brings a copy of a workspace into a container that waits for its configuration.
 *
 * @module
 */
import type Docker from "dockerode";
import { WORKSPACE_PATH } from "../../policy/core.ts";
import type { BaselineRecorder } from "../workspace/baseline.ts";
import type { Agent } from "../workspace/ownership.ts";
import type { PreparedWorkspace } from "../workspace/prepare.ts";
import { describeReport, emptyReport } from "../workspace/walk.ts";
import type { Mount } from "./container-options.ts";
import { createHelper } from "./create.ts";
import { aborted } from "./failures.ts";
import { removeContainer } from "./lifecycle.ts";
import type { TarEntry } from "./tar-header.ts";
import { tarOf, workspaceTar } from "./workspace-tar.ts";

/** What a copy is made from. */
export interface WorkspaceCopy {
  /** Undefined: an empty workspace. */
  readonly source: string | undefined;
  readonly prepared: PreparedWorkspace;
  readonly agent: Agent;
  /** Learns what was copied. */
  readonly baseline: BaselineRecorder;
}

/** The volume that a copy lives in: anonymous, so that it goes with the container. */
export function copyMount(labels: Readonly<Record<string, string>>): Mount {
  return {
    Type: "volume",
    Target: WORKSPACE_PATH,
    ReadOnly: false,
    // An image that has something there would have it copied in. The labels find it should the engine forget to remove it.
    VolumeOptions: { NoCopy: true, Labels: labels },
  };
}

/** How it is copied. */
export interface CopyInOptions extends WorkspaceCopy {
  /** For containers that help. */
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** Copies; returns what a person should know about it. */
export async function copyIn(docker: Docker, container: Docker.Container, copy: CopyInOptions): Promise<string[]> {
  const report = emptyReport();
  const escaping: TarEntry[] = [];
  const { grants, missing } = copy.prepared;
  const { source, agent, baseline } = copy;
  const tar = workspaceTar({ source, grants, missing, agent, report, escaping, baseline });
  const abort = (): void => void tar.destroy(aborted(copy.signal?.reason));
  copy.signal?.addEventListener("abort", abort);
  const giveUp = new AbortController();
  try {
    // On Deno a request whose source fails never settles by itself.
    const failed = new Promise<never>((_, reject) => tar.once("error", reject));
    const request = { path: WORKSPACE_PATH, abortSignal: giveUp.signal };
    await Promise.race([container.putArchive(tar, request), failed]);
  } catch (error) {
    giveUp.abort();
    throw error;
  } finally {
    copy.signal?.removeEventListener("abort", abort);
    tar.destroy();
  }
  if (escaping.length > 0) await putEscapingLinks(docker, container, escaping, copy.labels);
  return describeReport(report);
}

/**
 * Links that lead out of the workspace. The engine refuses those that lead out of the folder which it unpacks to, and it
 * unpacks to the root only where that is writable: in a helper that shares the volume and never runs.
 */
async function putEscapingLinks(
  docker: Docker,
  container: Docker.Container,
  links: readonly TarEntry[],
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const inRoot = links.map((link) => ({ ...link, name: Buffer.concat([PREFIX, link.name]) }));
  const facts = await container.inspect();
  const helper = await createHelper(docker, {
    Image: facts.Image,
    Labels: labels,
    HostConfig: { NetworkMode: "none", VolumesFrom: [container.id] },
  });
  try {
    await helper.putArchive(tarOf(inRoot), { path: "/" });
  } finally {
    await removeContainer(helper);
  }
}

const PREFIX = Buffer.from(`${WORKSPACE_PATH.slice(1)}/`);
