/**
 * Everything that the warden needs to know of a policy in one sandbox.
 *
 * @module
 */
import type { CredentialStore } from "../credentials/mod.ts";
import { liveGrants } from "../domains/filesystem/mod.ts";
import type { PluginRegistry } from "../hooks/mod.ts";
import { isOwnPlace } from "../policy/core.ts";
import type { StartedWarden } from "../runtimes/runtime.ts";
import { baseEnvironment, type Variables } from "./environment.ts";
import { LOOK_MS, type SensitiveFiles, sensitiveSubscriptions } from "./inference/sensitive-files.ts";
import { withLinkedDenials } from "./linked-denials.ts";
import { chooseModes } from "./modes.ts";
import type { SandboxOptions } from "./options.ts";
import type { Plans } from "./plan-domains.ts";
import type { PolicyParts } from "./policy-frames.ts";
import type { ReadPolicy } from "./read-policy.ts";
import { type SandboxTrust, withTrust } from "./trust.ts";
import { volumePath } from "./volumes.ts";

/** Where a program can read why something was denied. */
export const DENIALS_PATH = "/tmp/.cofferdam-denials";

/** The sandbox that a policy is for. */
export interface PolicySetting {
  readonly warden: StartedWarden;
  readonly registry: PluginRegistry;
  readonly options: SandboxOptions;
  /** The folder of the host that the workspace is, or was copied from: absolute, without links. */
  readonly workspace: string | undefined;
  readonly trust: SandboxTrust | undefined;
  readonly credentials: CredentialStore;
  /** What rules of privacy know again in calls to models. */
  readonly sensitive: SensitiveFiles;
}

/** How a policy relates to the one that its sandbox was started for. */
export interface PolicyStanding {
  readonly generation: number;
  /** It is another, narrower one: what it grants may be missing, and that is no reason to end the sandbox. */
  readonly narrowed: boolean;
}

/** The warden waits a little longer than the hooks may take, so that the answer says which of them was late. */
const SLACK_MS = 1000;

/** Puts it together. */
export function policyParts(
  { normalized }: ReadPolicy,
  plans: Plans,
  { warden, registry, options, workspace, trust }: Omit<PolicySetting, "credentials" | "sensitive">,
  { generation, narrowed }: PolicyStanding,
): PolicyParts {
  const { process, network } = plans;
  // With an image the paths are the image's.
  const isHostRoot = warden.imageId === undefined && warden.isolation !== "none";
  const filesystem = withTrust(withLinkedDenials(plans.filesystem, { workspace, isHostRoot }), trust);
  const { liveMounts } = warden;
  const volumes = (options.volumes ?? []).map(({ path }) => volumePath("path", path));
  const sensitive = sensitiveSubscriptions(plans.inference);
  const hooks = {
    filesystem: registry.needs("filesystem") || sensitive.length > 0,
    process: registry.needs("process"),
    network: registry.needs("network"),
  };
  const audit = normalized.audit.files;
  const isLiveWorkspace = typeof options.workspace === "object" && options.workspace.mode === "mount";
  const floor = isLiveWorkspace ? liveGrants(filesystem) : filesystem.grants;
  return {
    generation,
    filesystem,
    process,
    floor: narrowed ? floor.map((grant) => ({ ...grant, optional: true })) : floor,
    modes: chooseModes({ filesystem, process, network, audit, hooks, liveMounts }),
    subscriptions: [...registry.subscriptions(), ...sensitive],
    audit,
    unmatchedPathAsk: normalized.filesystem.unmatched === "ask",
    allowList: normalized.process.allow !== "readable",
    liveMounts,
    tellAgent: canReadDenials(filesystem),
    search: searchPath(warden.environment, options.env ?? {}),
    hashConnectors: hooks.network,
    untrusted: [...volumes, ...written(filesystem)],
    volumes,
    timeoutMs:
      Math.max(...(["filesystem", "process", "network"] as const).map((domain) => registry.maxDeadlineMs(domain))) +
      (sensitive.length > 0 ? LOOK_MS : 0) +
      SLACK_MS,
  };
}

/** Whether the agent has a private place to be told in. */
export function canReadDenials(filesystem: Plans["filesystem"]): boolean {
  return filesystem.grants.some(({ path, access }) => path === "/tmp" && access === "write");
}

/** What a program of this sandbox may put links into. The workspace is known to the warden. */
function written({ grants }: Plans["filesystem"]): string[] {
  return grants.filter(({ access, inWorkspace }) => access === "write" && !inWorkspace).map(({ path }) => path);
}

function searchPath(runtime: Variables, owner: Variables): string[] {
  const directories = (baseEnvironment(runtime, owner).PATH ?? "").split(":").filter((path) => path.startsWith("/"));
  const known = new Set(directories.map((path) => path.replace(/\/+$/, "") || "/"));
  return [...known].filter((path) => !isOwnPlace(path)).slice(0, SEARCH_MAX);
}

/** The warden's bound, halved, for it adds the real names of links. */
const SEARCH_MAX = 32;
