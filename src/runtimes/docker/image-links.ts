/**
 * Refuses images whose own links would lead mounts astray: the engine follows them when it mounts. What an image puts at
 * `/workspace` would have the policy's rules be about other names, and a folder of ours that leads into a mounted one
 * would be made there, by root.
 *
 * @module
 */
import { posix } from "node:path";
import type Docker from "dockerode";
import { SandboxError } from "../../errors.ts";
import { isWithin, WORKSPACE_PATH } from "../../policy/core.ts";
import type { VolumeRequest } from "../runtime.ts";
import { statInside } from "./archive-stat.ts";

/** What is mounted. */
export interface MountPlaces {
  readonly image: string;
  /** Whether the workspace is a folder of the host. */
  readonly live: boolean;
  readonly volumes: readonly Pick<VolumeRequest, "name" | "path">[];
  /** Where everything else is mounted. */
  readonly others: readonly string[];
}

/** As many as the kernel follows. */
const LINKS_MAX = 40;

/**
 * Looks, in a container that was created and has not started.
 *
 * @throws {SandboxError} WORKSPACE_UNUSABLE If a link of the image is in the way of the workspace.
 * @throws {SandboxError} VOLUME_UNUSABLE If one is in the way of a volume.
 */
export async function refuseLinks(container: Docker.Container, places: MountPlaces): Promise<void> {
  const linkAt = createLinkReader(container);
  const { live, volumes, others } = places;
  const outlasting = [...(live ? [WORKSPACE_PATH] : []), ...volumes.map(({ path }) => path)];
  for (const path of new Set([WORKSPACE_PATH, ...outlasting])) {
    const real = await realPath(path, linkAt);
    if (real !== path) throw unusable(path, places, `the image ${places.image} has a link to ${real} there`);
  }
  if (outlasting.length === 0) return;
  for (const path of others) {
    const real = await realPath(path, linkAt);
    const met = real === path ? undefined : outlasting.find((each) => isWithin(real, each) || isWithin(each, real));
    if (met !== undefined) throw unusable(met, places, `the image ${places.image} has a link to ${real} at ${path}`);
  }
}

type LinkReader = (path: string) => Promise<string | undefined>;

/** Where the links of a container lead; each path is asked for once. */
function createLinkReader(container: Docker.Container): LinkReader {
  const known = new Map<string, Promise<string | undefined>>();
  return (path) => {
    const asked = known.get(path) ?? statInside(container, path).then((stat) => textOf(stat?.linkTarget));
    known.set(path, asked);
    return asked;
  };
}

function textOf(target: unknown): string | undefined {
  return typeof target === "string" && target !== "" ? target : undefined;
}

/** What a path really names in the image, as far as there is something. */
async function realPath(path: string, linkAt: LinkReader): Promise<string> {
  const rest = path.split("/").filter((part) => part !== "");
  let at = "/";
  let links = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    const next = posix.join(at, part);
    const target = await linkAt(next);
    if (target === undefined || ++links > LINKS_MAX) at = next;
    else {
      rest.unshift(
        ...posix
          .resolve(at, target)
          .split("/")
          .filter((each) => each !== ""),
      );
      at = "/";
    }
  }
  return at;
}

function unusable(path: string, { volumes }: MountPlaces, reason: string): SandboxError {
  const hint = "Use another image, or build it without that link.";
  const volume = volumes.find((each) => each.path === path)?.name;
  if (volume === undefined) {
    const details = { path, reason };
    return new SandboxError("WORKSPACE_UNUSABLE", `The workspace cannot be used: ${reason}`, { details, hint });
  }
  const details = { volume, reason };
  return new SandboxError("VOLUME_UNUSABLE", `Cannot use the volume "${volume}": ${reason}`, { details, hint });
}
