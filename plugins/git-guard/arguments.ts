/**
 * The arguments of `git push`. What an alias or a configuration makes of them is only seen in the request.
 *
 * @module
 */

/** What may be pushed. */
export interface PushRules {
  isProtected(branch: string): boolean;
  readonly allowDelete: boolean;
}

/** Options of git itself that take a value of their own. */
const WITH_VALUE = [
  "-C",
  "-c",
  "--git-dir",
  "--work-tree",
  "--namespace",
  "--exec-path",
  "--config-env",
  "--super-prefix",
  "--attr-source",
];
/** Options of `push` that do. */
const PUSH_WITH_VALUE = ["-o", "--push-option", "--repo", "--receive-pack", "--exec"];
const FORCE = /^--(?:force|force-with-lease|force-if-includes|mirror)(?:=|$)/;
const EVERYTHING = ["--all", "--branches", "--prune"];

/** What git is told, with the name of the command first: it has programs of such names, too. Undefined: it is not git. */
export function gitArguments(path: string, argv: readonly string[]): readonly string[] | undefined {
  for (const name of [argv[0] ?? "", path]) {
    const [found, command] = /(?:^|\/)git(?:-([a-z-]+))?$/.exec(name) ?? [];
    if (found !== undefined) return command === undefined ? argv.slice(1) : [command, ...argv.slice(1)];
  }
  return undefined;
}

/** What is wrong with it; undefined: nothing, or it is no push. */
export function judgePush(args: readonly string[], rules: PushRules): string | undefined {
  let at = 0;
  while (args[at]?.startsWith("-")) at += WITH_VALUE.includes(args[at] ?? "") ? 2 : 1;
  // What `push` itself calls: their arguments are others.
  if (args[at] === "send-pack" || args[at] === "http-push") return `it pushes by git ${args[at]}`;
  if (args[at] !== "push") return undefined;
  const words: string[] = [];
  let deletes = false;
  let isLiteral = false;
  for (let index = at + 1; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (isLiteral || !arg.startsWith("-") || arg === "-") words.push(arg);
    else if (arg === "--") isLiteral = true;
    else if (PUSH_WITH_VALUE.includes(arg)) index++;
    else if (isForce(arg)) return `it pushes by force (${arg.slice(0, 40)})`;
    else if (EVERYTHING.some((long) => isShortOf(arg, long))) return `it pushes every branch (${arg})`;
    else if (isShortOf(arg, "--delete") || /^-[a-z]*d/i.test(arg)) deletes = true;
  }
  if (deletes && !rules.allowDelete) return "it removes a branch";
  const [, ...refspecs] = words;
  for (const refspec of refspecs) {
    const problem = judgeRefspec(refspec, rules);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function judgeRefspec(refspec: string, { isProtected, allowDelete }: PushRules): string | undefined {
  if (refspec.startsWith("+")) return "it pushes by force (+)";
  const [source = "", target = source] = refspec.split(":");
  if (refspec === ":" || target.includes("*")) return "it pushes every branch";
  if (refspec.startsWith(":") && !allowDelete) return "it removes a branch";
  const branch = target.replace(/^(?:refs\/)?heads\//, "");
  return isProtected(branch) ? `the branch ${branch} is protected` : undefined;
}

/** Git takes any beginning of a long option that means one, and short ones together. */
function isForce(arg: string): boolean {
  if (FORCE.test(arg) || /^-[a-zA-Z0-9]*f/.test(arg)) return true;
  return isShortOf(arg, "--force-with-lease") || isShortOf(arg, "--mirror");
}

function isShortOf(arg: string, long: string): boolean {
  return arg.length >= 4 && long.startsWith(arg.split("=", 1)[0] ?? "");
}
