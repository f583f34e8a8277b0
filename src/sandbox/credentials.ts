/**
 * The credentials of a sandbox: read, put in force, and recorded.
 *
 * @module
 */
import { CredentialStore, type PreparedCredentials } from "../credentials/mod.ts";
import type { NormalizedPolicy } from "../policy/core.ts";
import { postRenewal } from "./login-renewals.ts";
import type { SandboxOptions } from "./options.ts";
import type { SandboxRecords } from "./records.ts";

/**
 * Reads those of a new sandbox.
 *
 * @throws {SandboxError} CREDENTIAL_UNAVAILABLE If the host does not have one that the policy asks for.
 */
export async function openCredentials(
  { credentials }: NormalizedPolicy,
  options: Pick<SandboxOptions, "credentials" | "env" | "resolver" | "certificates" | "proxy">,
  records: SandboxRecords,
): Promise<CredentialStore> {
  const store = new CredentialStore({
    sources: options.credentials,
    environment: process.env,
    taken: options.env,
    post: postRenewal(options),
    problem: (error) => records.problem(error),
  });
  records.secrets = () => store.secrets();
  useCredentials(store, await store.prepare(credentials), records);
  return store;
}

/** Puts them in force. What the sandbox holds itself is written down. */
export function useCredentials(
  store: CredentialStore,
  prepared: PreparedCredentials,
  records: CredentialRecords,
): void {
  store.use(prepared);
  for (const { id, name } of prepared.exposed) {
    records.decision({
      domain: "network",
      operation: "credential.expose",
      object: name,
      verdict: "allow",
      ruleId: id,
      decidedBy: { kind: "policy" },
      reason: "the sandbox holds the value itself, as the policy says: expose env",
    });
  }
}

type CredentialRecords = Pick<SandboxRecords, "decision">;
