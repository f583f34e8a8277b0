/**
 * What is really in force, for people and programs to look at.
 *
 * @module
 */
import type { LinkFacts } from "../link/link.ts";
import type { LimitsHolder, RuntimeName, StartedWarden, WorkspaceMode } from "../runtimes/runtime.ts";
import type { SandboxOptions } from "./options.ts";

/** What holds a sandbox. */
export interface Enforcement {
  readonly runtime: RuntimeName;
  /** `floor`: the kernel alone decides, by what it was told at the start; nothing is trapped. */
  readonly mode: "floor";
  readonly landlockAbi: number;
  /** Grants that apply, and optional ones whose path does not exist. */
  readonly rules: { readonly applied: number; readonly skipped: number };
  readonly kernel: string;
  /** `none`: the sandbox has its own loopback and nothing else. */
  readonly network: "none";
  /** Whether programs may make unix sockets; not where sockets of the host are in reach. */
  readonly unixSockets: boolean;
  /** The user inside; never 0. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly workspace: WorkspaceMode | "empty";
  /** Who holds the limits of the policy. */
  readonly limits: LimitsHolder;
  readonly audit: { readonly files: "off" };
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** Puts it together. */
export function describeEnforcement(
  runtime: RuntimeName,
  warden: StartedWarden,
  { hello, ready }: LinkFacts,
  workspace: SandboxOptions["workspace"],
): Enforcement {
  return Object.freeze<Enforcement>({
    runtime,
    mode: "floor",
    landlockAbi: hello.landlockAbi,
    rules: { applied: ready.rules, skipped: ready.skipped },
    kernel: Buffer.from(hello.kernel).toString(),
    network: "none",
    unixSockets: !warden.liveMounts,
    user: { uid: warden.uid, gid: warden.gid },
    workspace: workspace === undefined ? "empty" : typeof workspace === "string" ? "copy" : (workspace.mode ?? "copy"),
    limits: warden.limits.holder,
    audit: { files: "off" },
    notes: [...warden.notes, ...(warden.liveMounts ? [LIVE_NOTE] : [])],
  });
}

const LIVE_NOTE =
  "grants in a mounted folder hold for the files and folders that were there at the start, by whatever name the host gives them later; FIFOs of the host in it can be opened";
