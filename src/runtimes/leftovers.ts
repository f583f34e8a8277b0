/**
 * What sandboxes can leave on this host when their owner is killed, by its name: it says whose it is from the moment that
 * it exists.
 *
 * @module
 */
import { isOwnerDead, ownerOfThisProcess } from "./owner.ts";
import type { RuntimeName } from "./runtime.ts";

/** Something that a sandbox left, or may have left. */
export interface Leftover {
  readonly runtime: RuntimeName;
  readonly kind: "container" | "volume" | "folder" | "control group" | "image";
  /** Its path, or its name on the engine. */
  readonly name: string;
  /** Why it was removed, or left alone. */
  readonly reason: string;
}

/** What was found. */
export interface LeftoverReport {
  readonly removed: readonly Leftover[];
  readonly left: readonly Leftover[];
}

/** Why something whose owner is gone goes. */
export const OWNER_GONE = "the process that made it is gone";

/** The name of what belongs to a sandbox of this process. */
export function ownedName(sandbox: string): string {
  return `cofferdam-${sandbox}.${ownerOfThisProcess() ?? "unknown"}`;
}

/** Whose a name says that it is: dead and alive are certain. Undefined: it is no such name. */
export function ownerState(name: string): "dead" | "alive" | "unknown" | undefined {
  const owner = /^(?:cofferdam-[a-z0-9-]+\.|\.new-)([0-9a-f]{16}\.\d+\.\d+|unknown)(?:-[0-9a-f]+)?$/.exec(name)?.[1];
  return owner === undefined ? undefined : stateOf(owner);
}

/** Whether an owner runs. */
export function stateOf(owner: string | undefined): "dead" | "alive" | "unknown" {
  if (isOwnerDead(owner)) return "dead";
  const host = ownerOfThisProcess()?.split(".")[0];
  return host !== undefined && owner?.split(".")[0] === host ? "alive" : "unknown";
}
