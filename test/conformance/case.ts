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
  /** Whether root or an ordinary user runs it on the local runtime makes no difference: one of them shows it, by this name. */
  readonly anyUser?: "root" | "ordinary";
  /** Why it does not apply in a place; undefined where it does. */
  notIn?(place: Place): string | undefined;
  run(scene: Scene): Promise<void>;
}

/** Why a case does not apply in a place; undefined where it does. */
export function inapplicable(each: Case, place: Place): string | undefined {
  if (isOthers(each, place)) return "it runs with another user of the same runtime";
  if (each.tools && !place.tools) return "the image has no Node, git, Python, bash or curl";
  if (each.anyImage && !each.tools && place.name === "docker-debian")
    return "it runs with another image of the same engine";
  return each.notIn?.(place);
}

/** Where both users run the suite, as scripts/test.sh has it, what either shows runs once. */
function isOthers({ anyUser }: Case, place: Place): boolean {
  if (anyUser === undefined || place.docker || process.env.COFFERDAM_TEST_USERS !== "both") return false;
  return place.name !== (anyUser === "root" ? "local-root" : "local-user");
}
