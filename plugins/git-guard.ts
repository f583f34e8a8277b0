/**
 * Keeps `git push` from rewriting and removing what others have, and from protected branches.
 *
 * @module
 */
import { ask, definePlugin, deny, type HookVerdict, type Plugin } from "../src/mod.ts";
import { gitArguments, judgePush } from "./git-guard/arguments.ts";
import { type RefUpdate, readUpdates } from "./git-guard/updates.ts";

/** The options of `gitGuard`. */
export interface GitGuardOptions {
  /** Names of branches, with `*` for anything within a segment. Nobody pushes to them. @default ["main", "master", "release/*"] */
  readonly protected?: readonly string[];
  /** Whether other branches and tags may be removed. @default false */
  readonly allowDelete?: boolean;
  /**
   * Whether a branch that is there may be moved from `before` to `after`: for whoever has a clone to ask
   * (`git merge-base --is-ancestor`). Without it the approver is asked, for the request itself does not tell a forced push.
   */
  readonly isFastForward?: (update: RefUpdate, repository: string) => boolean | Promise<boolean>;
}

export type { RefUpdate } from "./git-guard/updates.ts";

/** Makes the plugin: it judges the arguments of `git push`, and what is really sent over HTTP. */
export const gitGuard: (options?: GitGuardOptions) => Plugin = definePlugin((options: GitGuardOptions = {}): Plugin => {
  const { protected: names = ["main", "master", "release/*"], allowDelete = false, isFastForward } = options;
  const globs = names.map(branchMatcher);
  const isProtected = (branch: string) => globs.some((matches) => matches(branch));
  const judge = async (update: RefUpdate, repository: string): Promise<HookVerdict | undefined> => {
    const branch = /^refs\/heads\/(.+)$/.exec(update.ref)?.[1];
    if (branch !== undefined && isProtected(branch)) return deny(`the branch ${branch} is protected`);
    if (update.kind === "delete") return allowDelete ? undefined : deny(`${update.ref} is not to be removed`);
    if (update.kind === "create") return undefined;
    if (branch === undefined) return deny(`${update.ref} is there already, and is not to be moved`);
    if (isFastForward === undefined) return ask(`it moves ${update.ref}, maybe by force`);
    return (await isFastForward(update, repository)) ? undefined : deny(`it moves ${update.ref} by force`);
  };
  return {
    name: "git-guard",
    hooks: {
      process: {
        start: ({ path, argv }) => {
          const args = gitArguments(path, argv);
          const problem = args === undefined ? undefined : judgePush(args, { isProtected, allowDelete });
          return problem === undefined ? undefined : deny(problem);
        },
      },
      network: {
        request: async (request, { about }) => {
          if (!isPush(request, about.path)) return undefined;
          const updates = await readUpdates(request);
          if (typeof updates === "string") return deny(`the push cannot be read: ${updates}`);
          const repository = request.url.replace(/\/git-receive-pack.*$/i, "");
          const verdicts = await Promise.all(updates.map((update) => judge(update, repository)));
          return (
            verdicts.find((verdict) => verdict?.verdict === "deny") ?? verdicts.find((verdict) => verdict !== undefined)
          );
        },
      },
    },
  };
});

/** However its path ends: servers drop what stands after a semicolon, and slashes that are too many. */
function isPush({ method, headers }: Request, path: string): boolean {
  if (/^application\/x-git-receive-pack-request\b/i.test(headers.get("content-type") ?? "")) return true;
  return method !== "GET" && method !== "HEAD" && /\/git-receive-pack(?![^/;?])/i.test(path);
}

function branchMatcher(name: string): (branch: string) => boolean {
  const pattern = name.replace(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", "[^/]*");
  const whole = new RegExp(`^${pattern}$`);
  return (branch) => whole.test(branch);
}
