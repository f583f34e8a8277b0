/**
 * Who the agent is inside.
 *
 * @module
 */
import { HOME_PATH } from "../policy/core.ts";

/** The name of the user inside. */
export const AGENT_NAME = "agent";

/** The user inside where no workspace says another: the first ordinary one of most systems. */
export const AGENT_UID = 1000;

/** A passwd(5) file with the users that programs look up. */
export function passwdFile(uid: number, gid: number): string {
  return [
    "root:x:0:0:root:/root:/sbin/nologin",
    `${AGENT_NAME}:x:${uid}:${gid}:agent:${HOME_PATH}:/bin/sh`,
    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin",
    "",
  ].join("\n");
}

/** A group(5) file to go with it. */
export function groupFile(gid: number): string {
  return ["root:x:0:", `${AGENT_NAME}:x:${gid}:`, "nogroup:x:65534:", ""].join("\n");
}
