/**
 * The files that a sandbox brings along, as an archive: the warden, and who the agent is.
 *
 * @module
 */

import type { WardenBinary } from "../../warden/mod.ts";
import { groupFile, passwdFile } from "../identity.ts";
import type { Agent } from "../workspace/ownership.ts";
import { TAR_END, type TarEntry, tarHeader, tarPadding } from "./tar-header.ts";

/** One file of the volume. */
export interface VolumeFile {
  /** Below the volume. */
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/**
 * The time of every file (2001-09-09T01:46:40Z). Who unpacks an archive sets a file's time after its content: a file of
 * the right size and this time is complete.
 */
export const FILE_TIME = 1_000_000_000;

/** Where the identity files of an agent are in the volume. */
export function identityDirectory(agent: Agent): string {
  return `etc/${agent.uid}-${agent.gid}`;
}

/** Everything that a volume holds for an agent. */
export async function volumeFiles(warden: WardenBinary, agent: Agent): Promise<VolumeFile[]> {
  const directory = identityDirectory(agent);
  return [
    { path: `${directory}/passwd`, mode: 0o444, content: Buffer.from(passwdFile(agent.uid, agent.gid)) },
    { path: `${directory}/group`, mode: 0o444, content: Buffer.from(groupFile(agent.gid)) },
    { path: "warden", mode: 0o555, content: await warden.bytes() },
  ];
}

/** The files as an archive, with the directories that they are in. */
export function archiveOf(files: readonly VolumeFile[]): Buffer {
  const directories = new Set([""]);
  for (const { path } of files) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) directories.add(path.slice(0, at));
  }
  const parts = [...directories].map((path) => tarHeader(entryOf("directory", path, 0o755, 0)));
  for (const { path, mode, content } of files) {
    parts.push(tarHeader(entryOf("file", path, mode, content.length)), Buffer.from(content));
    parts.push(Buffer.alloc(tarPadding(content.length)));
  }
  return Buffer.concat([...parts, TAR_END]);
}

function entryOf(kind: "file" | "directory", path: string, mode: number, size: number): TarEntry {
  return { kind, name: Buffer.from(path), mode, uid: 0, gid: 0, size, mtime: FILE_TIME };
}
