/**
 * The rule that would have answered a question.
 *
 * @module
 */
import type { ApprovalRequest } from "../hooks/approval-types.ts";
import type { FilesystemAccess, NetworkConnect, NetworkRequest, ProcessStart } from "../hooks/subjects.ts";
import { escapeGlob } from "../policy/glob.ts";
import { HOME_PATH, isWithin, WORKSPACE_PATH } from "../policy/paths.ts";
import type { HttpRules, Policy } from "../policy/types.ts";

/**
 * Suggests a policy with one rule: the narrowest that says to these facts what was answered. `compose` takes it.
 *
 * Shape: of a file its path (a path stands for its tree, and a grant for writing is one for reading), of a program its path
 * and arguments, of a connection host, port and program, of a request its method and path as well. Deny beats ask beats
 * allow: an allowance takes effect where no rule of the policy asks any more.
 *
 * @returns undefined where no rule can say it: what a hook asks about, calls to models, responses and messages, names that
 * are no UTF-8, and a program that is allowed where the policy has no list of programs.
 *
 * @example
 * ```ts
 * import { type Approver, suggestRule } from "cofferdam";
 *
 * export const approve: Approver = (request) => {
 *   console.error(JSON.stringify(suggestRule(request, "allow")));
 *   return false;
 * };
 * ```
 */
export function suggestRule(request: ApprovalRequest, verdict: "allow" | "deny"): Policy | undefined {
  // No rule keeps a hook from asking; a denial comes before all hooks.
  if (verdict === "allow" && request.askedBy.kind === "plugin") return undefined;
  switch (request.domain) {
    case "filesystem":
      return fileRule(request.access, verdict);
    case "process":
      return programRule(request.start, verdict, request.ruleId !== undefined);
    case "network":
      if (request.message !== undefined || request.response) return undefined;
      return hostRule(request.connect, request.request, verdict, request.requested !== undefined);
    default:
      return undefined;
  }
}

function fileRule({ operation, path, pathBytes, target }: FilesystemAccess, verdict: "allow" | "deny") {
  if (!isExact(path, pathBytes) || target?.includes("\ufffd")) return undefined;
  const list = verdict === "deny" ? "deny" : operation === "read" || operation === "list" ? "read" : "write";
  // A denial of either name is enough; both are needed to allow.
  const paths = target === undefined ? [path] : verdict === "deny" ? [target] : [path, target];
  return {
    version: 1,
    // Files that come and go must not keep the next sandbox from starting.
    filesystem: {
      [list]: paths.map((each) => (list === "deny" ? shown(each) : { path: shown(each), optional: true })),
    },
  } satisfies Policy;
}

function programRule({ path, pathBytes, argv, argvBytes }: ProcessStart, verdict: "allow" | "deny", hasRule: boolean) {
  if (!isExact(path, pathBytes) || argv.some((each, index) => !isExact(each, argvBytes[index]))) return undefined;
  // A first entry of `process.allow` would be the end of every other program.
  if (verdict === "allow" && hasRule) return undefined;
  const rule = { binary: escapeGlob(path), args: argv.slice(1).map(escapeGlob) };
  return { version: 1, process: { [verdict]: [rule] } } satisfies Policy;
}

function hostRule(
  { host, port, binary }: NetworkConnect,
  request: NetworkRequest | undefined,
  verdict: "allow" | "deny",
  forAll: boolean,
): Policy | undefined {
  if (binary.includes("\ufffd") || request?.path.includes("\ufffd")) return undefined;
  // What a program asked for at cofferdam.local is for all of them.
  const binaries = binary === "" || forAll ? {} : { binaries: [escapeGlob(binary)] };
  const where = { host: host.includes(":") ? `[${host}]` : host, ports: [port], ...binaries };
  if (request === undefined) return { version: 1, network: { [verdict]: [where] } };
  const http: HttpRules = {
    rules: [
      {
        methods: [request.method],
        paths: [escapeGlob(request.path)],
        ...(request.websocket ? { websocket: true as const } : {}),
      },
    ],
  };
  return { version: 1, network: { [verdict]: [{ ...where, http }] } };
}

/** As a policy would spell it. */
function shown(path: string): string {
  const place = [
    [WORKSPACE_PATH, "."],
    [HOME_PATH, "~"],
  ].find(([folder = ""]) => isWithin(path, folder));
  if (place === undefined) return escapeGlob(path);
  const [folder = "", short = ""] = place;
  return short + escapeGlob(path.slice(folder.length));
}

function isExact(text: string, bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && Buffer.from(text).equals(bytes);
}
