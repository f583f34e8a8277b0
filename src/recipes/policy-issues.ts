/**
 * What no recipe should ask for, though a policy may: parameters come from people who did not write it.
 *
 * @module
 */

import type { DocumentPath, IssueDraft } from "../policy/issues.ts";
import type { NetworkRule, PathGrant, Policy, ProcessRule } from "../policy/mod.ts";
import { hostRange, isWithin, literalPrefix, unescapeGlob } from "../policy/mod.ts";
import { canonicalPath } from "../policy/paths.ts";
import type { BuiltRecipe } from "./types.ts";

type Parts = Pick<BuiltRecipe, "policy" | "volumes">;

/** Everything that stands against the policy of a recipe. */
export function policyIssues({ policy, volumes }: Parts): IssueDraft[] {
  return [
    ...fileIssues(policy, volumes),
    ...programIssues(policy),
    ...networkIssues(policy),
    ...interceptIssues(policy),
  ];
}

const PLACES = { workspace: "/workspace", home: "/home/agent" };

/** Folders of the host that are nobody's to grant as a whole, and those that are not at all. */
const WHOLE = ["/", "/etc", "/var", "/home", "/usr", "/opt", "/mnt", "/media", "/srv", "/tmp"];
const NEVER = [
  "/root",
  "/proc",
  "/sys",
  "/dev",
  "/boot",
  "/run",
  "/var/run",
  "/etc/shadow",
  "/etc/ssh",
  "/etc/ssl/private",
];

function fileIssues({ filesystem = {} }: Policy, volumes: BuiltRecipe["volumes"]): IssueDraft[] {
  const kept = volumes.map(({ path }) => literalPrefix(canonicalPath(path), PLACES));
  const written = (filesystem.write ?? []).map((each) => canonicalPath(pathOf(each)));
  return (["read", "write", "ask"] as const).flatMap((list) =>
    (filesystem[list] ?? []).flatMap((each, index): IssueDraft[] => {
      const canonical = canonicalPath(pathOf(each));
      const path = ["filesystem", list, index];
      const outer = written.find((other) => other !== canonical && isWithin(canonical, other));
      if (list === "read" && outer !== undefined) {
        return [{ path, message: `"${canonical}" may be written anyway, by "${outer}": deny what should not be` }];
      }
      if (!canonical.startsWith("/")) return [];
      const literal = literalPrefix(canonical, PLACES);
      const isVolume = kept.some((folder) => isWithin(literal, folder));
      const why = isVolume ? undefined : hostFolderProblem(literal, list);
      return why === undefined ? [] : [{ path, message: `cannot grant "${canonical}": ${why}` }];
    }),
  );
}

function hostFolderProblem(literal: string, list: "read" | "write" | "ask"): string | undefined {
  if (isWithin(literal, PLACES.workspace)) return 'write it as "./..."';
  if (WHOLE.includes(literal)) return "that is more than a recipe needs: name the folder in it";
  const [, inHome] = /^\/(?:home\/[^/]+|root)(\/.*)?$/.exec(literal) ?? [];
  const isHome = isWithin(literal, "/root") || (isWithin(literal, "/home") && !isWithin(literal, PLACES.home));
  if (isHome && !isProgramFolder(inHome)) return "that is somebody's home";
  if (!isHome && NEVER.some((folder) => isWithin(literal, folder))) return "that is the host's own";
  if (list !== "read") return "what is written lies in the workspace, the sandbox's home or a volume";
  return undefined;
}

/** Programs are installed in homes, too: at least two folders deep, and not where secrets are kept. */
function isProgramFolder(path = ""): boolean {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.length >= 2 && !parts.some((part) => SECRET_FOLDERS.has(part));
}

const SECRET_FOLDERS = new Set([
  ".ssh",
  ".aws",
  ".azure",
  ".gnupg",
  ".kube",
  ".docker",
  ".config",
  ".mozilla",
  "keyrings",
]);

function pathOf(grant: string | PathGrant): string {
  return typeof grant === "string" ? grant : grant.path;
}

function programIssues({ process = {} }: Policy): IssueDraft[] {
  return (["allow", "ask"] as const).flatMap((list) =>
    (process[list] ?? []).flatMap((each: string | ProcessRule, index): IssueDraft[] => {
      const binary = typeof each === "string" ? each : each.binary;
      if (!isAnything(binary)) return [];
      return [{ path: ["process", list, index], message: `"${binary}" is every program: name those that are meant` }];
    }),
  );
}

/** Whether nothing of a pattern says what is meant. */
function isAnything(pattern: string): boolean {
  return /^[./*]*$/.test(pattern);
}

function networkIssues({ network = {} }: Policy): IssueDraft[] {
  const lists = (["allow", "ask"] as const).flatMap((list) =>
    (network[list] ?? []).flatMap((rule, index) => ruleIssues(rule, ["network", list, index])),
  );
  const ranges = (network.privateRanges ?? []).flatMap((range, index): IssueDraft[] => {
    const message = "ranges are given to the rules that need them, as addresses";
    return [
      { path: ["network", "privateRanges", index], message: `cannot grant "${range}" to every rule: ${message}` },
    ];
  });
  return [...lists, ...ranges];
}

function ruleIssues({ host, ports, binaries = [], addresses = [] }: NetworkRule, path: DocumentPath): IssueDraft[] {
  const issues: IssueDraft[] = [];
  const wide = hostProblem(host);
  if (wide !== undefined) issues.push({ path: [...path, "host"], message: `cannot grant "${host}": ${wide}` });
  if (ports === "all") issues.push({ path: [...path, "ports"], message: "name the ports that are meant" });
  if (binaries.length === 0) {
    issues.push({ path: [...path, "binaries"], message: "missing: name the programs that may connect" });
  }
  for (const [index, binary] of binaries.entries()) {
    if (!isAnything(binary)) continue;
    issues.push({ path: [...path, "binaries", index], message: `"${binary}" is every program` });
  }
  for (const [index, range] of addresses.entries()) {
    if (isWideRange(range)) issues.push({ path: [...path, "addresses", index], message: `"${range}" is too wide` });
  }
  return issues;
}

/** A host of a rule: a name, or names below at least two literal labels. */
function hostProblem(host: string): string | undefined {
  const range = hostRange(host);
  if (range !== undefined) return isWideRange(range) ? "the range is too wide" : undefined;
  if (!host.includes("*")) return undefined;
  const labels = unescapeGlob(host).split(".");
  const literal = labels.length - 1 - labels.findLastIndex((label) => label.includes("*"));
  if (literal >= 2) return undefined;
  return "names below at least two labels may be granted, as *.example.com";
}

function isWideRange(range: string): boolean {
  const [, bits] = range.split("/");
  return bits !== undefined && Number(bits) < (range.includes(":") ? 32 : 8);
}

function interceptIssues({ inference = {} }: Policy): IssueDraft[] {
  return (inference.intercept ?? []).flatMap((host, index): IssueDraft[] => {
    const why = hostProblem(host);
    return why === undefined ? [] : [{ path: ["inference", "intercept", index], message: `"${host}": ${why}` }];
  });
}
