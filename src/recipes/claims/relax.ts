/**
 * The policy without what denies: each denied act is followed to the rule that denies it, or to the grant that is missing, until
 * nothing stands against it. What still fails then was never denied by the policy.
 *
 * @module
 */
import { escapeGlob } from "../../policy/glob.ts";
import { normalizePolicy } from "../../policy/normalize.ts";
import type { Policy } from "../../policy/types.ts";
import { answerTo, doerOf, workspacePath } from "./questions.ts";
import type { ClaimedAct } from "./types.ts";

/** The provider that calls go to which no route took. */
export const STAND_IN_PROVIDER = "claimed";

const ROUNDS_MAX = 64;

/** A policy that lets all these acts happen; it differs from the one that is given by what denied them. */
export async function relaxed(policy: Policy, acts: readonly ClaimedAct[]): Promise<Policy> {
  let wider = policy;
  for (const act of acts) {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { verdict, rules = [], ruleId } = await answerTo(wider, act);
      if (verdict === "allow") break;
      const decides = rules.find((rule) => rule.ruleId === ruleId && rule.applies);
      wider = decides === undefined ? granting(wider, act) : without(wider, decides.list, decides.ruleId);
    }
  }
  return wider;
}

type Lists = Readonly<Record<string, Readonly<Record<string, readonly unknown[] | undefined>> | undefined>>;

function without(policy: Policy, list: string, ruleId: string): Policy {
  const [section = "", name = ""] = list.split(".");
  const named = (normalizePolicy(policy) as unknown as Lists)[section]?.[name] ?? [];
  const at = named.findIndex((rule) => (rule as { readonly id: string }).id === ruleId);
  const written = (policy as unknown as Lists)[section] ?? {};
  const kept = (written[name] ?? []).filter((_, index) => index !== at);
  return { ...policy, [section]: { ...written, [name]: kept } };
}

function granting(policy: Policy, act: ClaimedAct): Policy {
  const { filesystem = {}, process = {}, network = {}, inference = {} } = policy;
  const rule = (host: string, port: number) => {
    const known = [...(network.allow ?? []), ...(network.ask ?? [])].find((each) => each.host === host)?.addresses;
    const addresses = known === undefined ? {} : { addresses: known };
    return { host, ports: [port], binaries: [doerOf(policy, act)], ...addresses };
  };
  switch (act.kind) {
    case "read":
    case "write": {
      const path = act.path.startsWith("~") ? act.path : escapeGlob(workspacePath(act.path));
      return { ...policy, filesystem: { ...filesystem, [act.kind]: [...(filesystem[act.kind] ?? []), path] } };
    }
    case "start":
      return { ...policy, process: { ...process, allow: [...(process.allow ?? []), act.argv[0] ?? ""] } };
    case "connect":
      return { ...policy, network: { ...network, allow: [...(network.allow ?? []), rule(act.host, act.port)] } };
    case "http": {
      const { hostname, port, protocol, pathname } = new URL(act.url);
      const http = { rules: [{ methods: [act.method], paths: [escapeGlob(decodeURIComponent(pathname))] }] };
      const granted = { ...rule(hostname, Number(port) || (protocol === "https:" ? 443 : 80)), http };
      return { ...policy, network: { ...network, allow: [...(network.allow ?? []), granted] } };
    }
    case "model": {
      const route = { models: [escapeGlob(act.model)], provider: STAND_IN_PROVIDER };
      return { ...policy, inference: { ...inference, routes: [...(inference.routes ?? []), route] } };
    }
  }
}
