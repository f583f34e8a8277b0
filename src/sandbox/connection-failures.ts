/**
 * Connections that cannot be made, told to the program and to the owner.
 *
 * @module
 */
import type { FlowErrno } from "../egress/mod.ts";
import { SandboxError } from "../errors.ts";

/** An error that tells only what kind it is of. */
export function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const ERRNOS: Readonly<Record<string, FlowErrno>> = {
  ECONNREFUSED: "ECONNREFUSED",
  ETIMEDOUT: "ETIMEDOUT",
  ENETUNREACH: "ENETUNREACH",
  EACCES: "EACCES",
};

/** How the program is told. A name without addresses is a host that cannot be reached. */
export function errnoOf(error: unknown): FlowErrno {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ERRNOS[code] ?? "EHOSTUNREACH";
}

/** A policy that looks at requests, in a sandbox that cannot open TLS. */
export function noAuthority(): SandboxError<"POLICY_UNSUPPORTED"> {
  const message =
    "the sandbox was made without a network section: its programs trust no certificate that TLS could be opened with";
  return new SandboxError("POLICY_UNSUPPORTED", `Cannot look at requests: ${message}`, {
    details: { issues: [{ path: "network", message }] },
    hint: 'Create another sandbox, or begin with a network section, for instance network: { deny: [{ host: "**" }] }',
  });
}
