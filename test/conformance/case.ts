/**
 * What a case is. The same list runs in every place: one policy, one verdict, everywhere.
 */
import type { Place } from "./places.ts";
import type { Scene } from "./scene.ts";

export interface Case {
  /** What a user may rely on, as a sentence. */
  readonly name: string;
  /** Needs Node, git, Python, bash or curl, which an image of one program does not have. */
  readonly tools?: boolean;
  /** What it shows depends on the runtime and the kernel, not on the image: one place of each runtime is enough. */
  readonly anyImage?: boolean;
  /** What it shows is decided in this process and carried by the warden: the user does not matter. */
  readonly hostDecides?: boolean;
  /** Why it does not apply in a place; undefined where it does. */
  notIn?(place: Place): string | undefined;
  run(scene: Scene): Promise<void>;
}

/** Why a case does not apply in a place; undefined where it does. */
export function inapplicable(each: Case, place: Place): string | undefined {
  if (each.hostDecides && process.env.COFFERDAM_TEST_SCOPE === "user")
    return "it runs with another user of the same runtime";
  if (each.tools && !place.tools) return "the image has no Node, git, Python, bash or curl";
  if (each.anyImage && !each.tools && place.name === "docker-debian")
    return "it runs with another image of the same engine";
  return each.notIn?.(place);
}
