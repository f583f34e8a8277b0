/**
 * A claimed act as a question to the policy, and who does it.
 *
 * @module
 */
import { hostRange } from "../../policy/addresses.ts";
import { explain } from "../../policy/explain/explain.ts";
import type { Explanation } from "../../policy/explain/types.ts";
import { compileGlob, isLiteral } from "../../policy/glob.ts";
import type { NetworkRule, Policy, ProcessRule } from "../../policy/types.ts";
import type { ClaimedAct } from "./types.ts";

/** What the policy says to an act. A call of a model is answered by its routes. */
export async function answerTo(
  policy: Policy,
  act: ClaimedAct,
): Promise<Pick<Explanation, "verdict" | "reason"> & Partial<Explanation>> {
  switch (act.kind) {
    case "read":
    case "write":
      return explain(policy, { domain: "filesystem", operation: act.kind, path: workspacePath(act.path) });
    case "start":
      return explain(policy, { domain: "process", argv: act.argv });
    case "connect":
      return explain(policy, {
        domain: "network",
        host: act.host,
        port: act.port,
        binary: binaryOf(doerOf(policy, act)),
      });
    case "http": {
      const { method, url, headers, body } = act;
      const content = { ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }) };
      const binary = binaryOf(doerOf(policy, act));
      return explain(policy, { domain: "network", operation: "request", method, url, ...content, binary });
    }
    case "model": {
      const routes = policy.inference?.routes ?? [];
      const taken = routes.some(({ models }) => models.some((glob) => compileGlob(glob)(act.model)));
      return taken
        ? { verdict: "allow", reason: "a route takes it" }
        : { verdict: "deny", reason: "no route takes it" };
    }
  }
}

/** The name of the program that does it: the claim's, one that a rule about the host names, or one that may start. */
export function doerOf(policy: Policy, act: ClaimedAct): string {
  if ((act.kind === "connect" || act.kind === "http") && act.by !== undefined) return act.by;
  const host = act.kind === "connect" ? act.host : act.kind === "http" ? new URL(act.url).hostname : undefined;
  const rules = [...(policy.network?.allow ?? []), ...(policy.network?.ask ?? [])];
  const named =
    host === undefined ? [] : rules.filter((rule) => isAbout(rule, host)).flatMap(({ binaries = [] }) => binaries);
  const allowed = (policy.process?.allow ?? []).map((each: string | ProcessRule) =>
    typeof each === "string" ? each : each.binary,
  );
  return [...named, ...allowed].find((name) => !name.includes("/") && isLiteral(name)) ?? "curl";
}

/** The programs that have to be there for an act, by their names. */
export function programsOf(policy: Policy, act: ClaimedAct): string[] {
  if (act.kind === "read" || act.kind === "write") return [];
  const name = act.kind === "start" ? (act.argv[0] ?? "") : doerOf(policy, act);
  return name === "" || name.includes("/") ? [] : [name];
}

function isAbout({ host }: NetworkRule, name: string): boolean {
  return hostRange(host) === undefined ? compileGlob(host, ".")(name) : host === name;
}

/** Where a program of that name could lie: rules by name are about every folder. */
function binaryOf(name: string): string {
  return name.startsWith("/") ? name : `/usr/bin/${name}`;
}

/** As a policy writes it. */
export function workspacePath(path: string): string {
  return /^(?:[/~]|\.\/)/.test(path) ? path : `./${path}`;
}
