/**
 * The certificate authority of a sandbox, and how programs in it come to trust it.
 *
 * @module
 */
import type { FilesystemPlan } from "../domains/filesystem/mod.ts";
import type { CertificateAuthority } from "../egress/tls/certificate-authority.ts";
import { type SandboxFile, TRUST_DIRECTORY, trustFiles } from "../egress/tls/trust.ts";
import { isWithin } from "../policy/core.ts";
import type { SandboxOptions } from "./options.ts";
import type { Plans } from "./plan-domains.ts";

/** What opens TLS for one sandbox. */
export interface SandboxTrust {
  readonly authority: CertificateAuthority;
  /** What the sandbox brings along. */
  readonly files: readonly SandboxFile[];
}

/** Makes it, where the policy has to do with the network. */
export async function makeTrust(id: string, plans: Plans, options: Certificates): Promise<SandboxTrust | undefined> {
  if (plans.network.kind === "none") return undefined;
  // Most sandboxes need none of it, and reading the libraries takes longer than starting one.
  const { createAuthority } = await import("../egress/tls/certificate-authority.ts");
  const authority = createAuthority(id.slice(0, 12));
  return { authority, files: trustFiles(authority.certificate, options.certificates ?? []) };
}

type Certificates = Pick<SandboxOptions, "certificates">;

/** The plan, with the files readable. */
export function withTrust(plan: FilesystemPlan, trust: SandboxTrust | undefined): FilesystemPlan {
  if (trust === undefined || plan.grants.some(({ path }) => isWithin(TRUST_DIRECTORY, path))) return plan;
  const ruleId = "cofferdam:trust";
  const grant = { path: TRUST_DIRECTORY, access: "read", optional: true, ruleId, inWorkspace: false } as const;
  const rule = { verdict: "allow", access: "read", pattern: TRUST_DIRECTORY, ruleId } as const;
  const grants = [grant, ...plan.grants].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ...plan, grants, rules: [...plan.rules, rule] };
}
