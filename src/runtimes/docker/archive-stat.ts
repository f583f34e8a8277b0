/**
 * What the engine says of a path in a container.
 *
 * @module
 */
import type Docker from "dockerode";
import { statusOf } from "./failures.ts";

/** What there is; not to be relied upon. `linkTarget` is where a symlink leads in the end, empty for everything else. */
export interface InsideStat {
  readonly size?: unknown;
  readonly mtime?: unknown;
  readonly linkTarget?: unknown;
}

/** Looks at a path in a container, without following a link in its last component. Undefined: nothing is there. */
export async function statInside(container: Docker.Container, path: string): Promise<InsideStat | undefined> {
  try {
    return statIn(await container.infoArchive({ path }));
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** The engine answers with a JSON object in a header. */
function statIn(response: unknown): InsideStat {
  if (typeof response !== "object" || response === null || !("headers" in response)) return {};
  // The connection is free for others only when the (empty) body was read.
  if ("resume" in response && typeof response.resume === "function") response.resume();
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("x-docker-container-path-stat" in headers)) return {};
  const stat: unknown = JSON.parse(Buffer.from(String(headers["x-docker-container-path-stat"]), "base64").toString());
  return typeof stat === "object" && stat !== null ? stat : {};
}
