/**
 * What of a sandbox is state: the folders that are its own, as far as the policy lets the agent write to them.
 *
 * @module
 */
import type { FilesystemPlan } from "../../domains/filesystem/mod.ts";
import { HOME_PATH, isWithin, WORKSPACE_PATH } from "../../policy/core.ts";

/** Absolute paths, sorted, none within another. */
export function stateRoots({ grants }: FilesystemPlan, isMounted: boolean, volumes: readonly string[]): string[] {
  const places = [HOME_PATH, ...(isMounted ? [] : [WORKSPACE_PATH]), ...volumes];
  const writes = grants.filter(({ access, floorOnly }) => access === "write" && floorOnly !== true);
  const roots = places.flatMap((place) => {
    if (writes.some(({ path }) => isWithin(place, path))) return [place];
    return writes.filter(({ path }) => isWithin(path, place)).map(({ path }) => path);
  });
  const unique = [...new Set(roots)].sort();
  return unique.filter((root) => !unique.some((other) => other !== root && isWithin(root, other)));
}
