/**
 * What is really in force, for people and programs to look at.
 *
 * @module
 */
import type { CredentialStore, GrantedCredential } from "../credentials/mod.ts";
import type { LinkFacts } from "../link/link.ts";
import type { NormalizedAudit } from "../policy/core.ts";
import type { LimitsHolder, RuntimeName, StartedWarden, WorkspaceMode } from "../runtimes/runtime.ts";
import type { FilesystemMode, Modes } from "./modes.ts";
import type { SandboxOptions } from "./options.ts";

/** What holds a sandbox. */
export interface Enforcement {
  readonly runtime: RuntimeName;
  /** `none`: nothing holds the guest, which is a script in this process (the memory runtime). */
  readonly isolation: "kernel" | "none";
  /** How file operations are decided: see {@link FilesystemMode}. */
  readonly mode: FilesystemMode;
  /** Whether starts of programs are decided by rules or hooks, and verified before their first instruction. */
  readonly programs: "floor" | "decided";
  /** 0 where there is none: on the memory runtime. */
  readonly landlockAbi: number;
  /** Grants that apply, and optional ones whose path does not exist. */
  readonly rules: { readonly applied: number; readonly skipped: number };
  readonly kernel: string;
  /** Of the image that it runs from, of a container or a root, by content: `sha256:` and hexadecimal digits. */
  readonly imageId?: string;
  /** `none`: the sandbox has its own loopback and nothing else. `decided`: TCP connections leave it as far as rules and hooks let them. */
  readonly network: "none" | "decided";
  /** Whether programs may make unix sockets. Where files are emulated: those that connect, no datagrams. */
  readonly unixSockets: boolean;
  /** The user inside; never 0. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly workspace: WorkspaceMode | "empty";
  /** Who holds the limits of the policy. */
  readonly limits: LimitsHolder;
  readonly audit: { readonly files: "off" | "denials" | "all"; readonly inference: "metadata" | "content" };
  /** The credentials that the sandbox may use, as far as the host has them. Never a value. */
  readonly credentials: readonly CredentialInForce[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

/** A credential that is in force. */
export type CredentialInForce = {
  readonly name: string;
  /** `sealed`: the sandbox has a placeholder. `exposed`: it has the value itself. */
  readonly held: "sealed" | "exposed";
  /** What the sandbox has it in: a variable, the file of a login, or keys that sign requests (AWS). */
  readonly as: "variable" | "login" | "keys";
  /** Where a sealed one is sent; of an exposed one nobody knows. */
  readonly hosts: readonly string[];
};

/** Says them. */
export function credentialsInForce(granted: readonly GrantedCredential[]): readonly CredentialInForce[] {
  return granted.map(({ credential }) => {
    const { name, expose } = credential;
    if (expose === "env") return { name, held: "exposed", as: "variable", hosts: [] };
    const as = credential.login !== undefined ? "login" : credential.provider === "aws" ? "keys" : "variable";
    return { name, held: "sealed", as, hosts: credential.hosts };
  });
}

/** Puts it together. */
export function describeEnforcement(
  runtime: RuntimeName,
  warden: StartedWarden,
  { hello, ready }: LinkFacts,
  workspace: SandboxOptions["workspace"],
  modes: Modes,
  { audit, credentials }: { readonly audit: NormalizedAudit; readonly credentials: CredentialStore },
): Enforcement {
  const { isolation = "kernel" } = warden;
  return Object.freeze<Enforcement>({
    runtime,
    isolation,
    mode: modes.filesystem,
    programs: modes.programs ? "decided" : "floor",
    landlockAbi: isolation === "none" ? 0 : hello.landlockAbi,
    rules: { applied: ready.rules, skipped: ready.skipped },
    kernel: Buffer.from(hello.kernel).toString(),
    ...(warden.imageId === undefined ? {} : { imageId: warden.imageId }),
    network: modes.network ? "decided" : "none",
    unixSockets: isolation !== "none",
    user: { uid: warden.uid, gid: warden.gid },
    workspace: workspace === undefined ? "empty" : typeof workspace === "string" ? "copy" : (workspace.mode ?? "copy"),
    limits: warden.limits.holder,
    audit: { files: audit.files, inference: audit.inference ?? "metadata" },
    credentials: credentialsInForce(credentials.granted),
    notes: warden.notes,
  });
}
