/**
 * The workspace of a local sandbox on the host's disk: the folder itself, or a private copy.
 *
 * @module
 */
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartRequest } from "../runtime.ts";
import type { HostUser } from "./user.ts";

/** A workspace that is ready to be bound. */
export interface LocalWorkspace {
  /** The folder whose parts are bound. */
  readonly source: string;
  /** The private folder that holds a copy; it goes with the sandbox. */
  readonly scratch: string | undefined;
  readonly notes: readonly string[];
  /** Removes what was made, for a sandbox that never came to be. */
  remove(): Promise<void>;
}

export async function prepareLocalWorkspace(request: StartRequest, user: HostUser): Promise<LocalWorkspace> {
  const scratch = await mkdtemp(join(tmpdir(), "cofferdam-"));
  const source = join(scratch, "workspace");
  await mkdir(source, { mode: 0o700 });
  for (const g of request.filesystem.grants) if (g.inWorkspace) { await mkdir(join(source, g.workspaceRelative ?? "."), { recursive: true }); await chown(join(source, g.workspaceRelative ?? "."), user.uid, user.gid);}
  if (user.rootful) await chown(source, user.uid, user.gid);
  return { source, scratch, notes: [], remove: () => rm(scratch, { recursive: true, force: true }) };
}
