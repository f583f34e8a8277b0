/**
 * Who owns a copied entry. Ownership is what makes "read means read" true without a trap: the owner of a file may always
 * change its mode, times and attributes, so what the agent may only read belongs to root, and to the agent's group.
 *
 * @module
 */
import type { EntryAccess } from "./select.ts";

/** The user that the agent is. */
export interface Agent {
  readonly uid: number;
  readonly gid: number;
}

/** Owner and mode of an entry. */
export interface Ownership extends Agent {
  readonly mode: number;
}

/**
 * Owner and mode of a copied entry. Set-id bits are never kept.
 *
 * What is only readable gives its group (the agent's) what its owner had, without writing: the agent reads and executes
 * what the owner could.
 */
export function ownershipOf(access: EntryAccess, mode: number, agent: Agent): Ownership {
  if (access === "write") return { uid: agent.uid, gid: agent.gid, mode: mode & 0o1777 };
  if (access === "ancestor") return { uid: 0, gid: agent.gid, mode: 0o750 };
  return { uid: 0, gid: agent.gid, mode: (mode & 0o700) | ((mode >> 3) & 0o050) | (mode & 0o005) };
}
