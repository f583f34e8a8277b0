/**
 * From the options of `run` to those of a sandbox.
 *
 * @module
 */
import type { Approver, Policy, SandboxOptions } from "../../mod.ts";
import type { FromImage } from "../image/from.ts";
import { aside } from "../write.ts";
import { approverOf } from "./approver.ts";
import type { RunFlags } from "./flags.ts";

/** What a program may do where nobody wrote it down. */
export const DEFAULT_POLICY: Policy = { version: 1, name: "default", filesystem: { write: ["."] } };

/** What a sandbox is made from. */
export interface SandboxInput {
  readonly policy: Policy;
  readonly options: SandboxOptions;
  /** Programs that come first. */
  readonly setup: readonly (readonly string[])[];
}

/** Reads the policy, and puts the options together. */
export async function sandboxInput(flags: RunFlags, signal: AbortSignal, person?: Approver): Promise<SandboxInput> {
  const { from, workspace, runtime, audit, approvals: patch } = flags;
  const approve = await approverOf(flags, person);
  const {
    image,
    root,
    env = {},
    setup = [],
  }: Partial<FromImage> = from === undefined
    ? {}
    : await (await import("../image/from.ts")).imageFrom(from, { ...flags, signal });
  const isLocal = runtime === "local" || (runtime === "auto" && image === undefined && process.platform === "linux");
  const mode = flags.mode ?? (isLocal ? "overlay" : "copy");
  const options: SandboxOptions = {
    runtime,
    ...(image === undefined ? {} : { image }),
    ...(root === undefined ? {} : { root }),
    ...(workspace === false ? {} : { workspace: { path: workspace, mode } }),
    ...(flags.volume === undefined ? {} : { volumes: flags.volume }),
    env: { ...env, ...variables(flags.env ?? []) },
    ...(audit === undefined ? {} : { audit: { file: audit } }),
    ...(approve === undefined ? {} : { approve }),
    ...(patch === undefined ? {} : { approvals: { patch } }),
  };
  if (flags.recipe !== undefined) {
    const { recipeInput } = await import("../recipe/input.ts");
    return { ...(await recipeInput(flags, options, signal)), setup };
  }
  const policy = flags.policy === undefined ? defaultPolicy(flags) : await policyOf(flags.policy, flags);
  return { policy, setup, options };
}

/** With what was named on the command line: a volume is there to be used. */
function defaultPolicy({ volume = [] }: RunFlags): Policy {
  const paths = (wanted: string) => volume.filter(({ mode }) => mode === wanted).map(({ path }) => path);
  return { ...DEFAULT_POLICY, filesystem: { write: [".", ...paths("write")], read: paths("read") } };
}

/** Loaded when it is needed: YAML has a reader of its own. */
async function policyOf(path: string, { credentials, quiet, json }: RunFlags): Promise<Policy> {
  const { loadPolicy } = await import("../../mod.ts");
  const written = await loadPolicy(path);
  if (written.network === undefined && written.credentials === undefined) return written;
  const { sealedLine, withDiscovered } = await import("./discover-credentials.ts");
  const policy = credentials === false ? written : await withDiscovered(written);
  const line = quiet || json ? undefined : sealedLine(policy);
  if (line !== undefined) aside(line);
  return policy;
}

function variables(given: readonly string[]): Record<string, string> {
  const entries = given.flatMap((text) => {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    const value = at < 0 ? process.env[name] : text.slice(at + 1);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** What a program on a terminal wants to know of it. */
export function programEnvironment(terminal: boolean): Record<string, string> {
  const names = terminal ? ["TERM", "COLORTERM", "LANG", "LC_ALL", "NO_COLOR"] : ["LANG", "LC_ALL", "NO_COLOR"];
  return variables(names.filter((name) => process.env[name] !== undefined));
}
