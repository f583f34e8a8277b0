/**
 * Hosts that this process answers for: no rule leads there, and nothing is resolved or dialed.
 *
 * @module
 */
import { type CredentialStore, loginsAt, tokenEndpoint } from "../credentials/mod.ts";
import type { LocalApp } from "../egress/http/connection.ts";
import type { LinkFlow } from "../egress/mod.ts";
import { INFERENCE_HOST, LOCAL_HOST } from "../policy/core.ts";
import type { InferenceHost } from "./inference/inference-host.ts";
import type { LocalHost } from "./local-site/local-host.ts";

/** What becomes of a connection to one. Both reasons are the ends of sentences. */
export type OwnAnswer =
  | { readonly reason: string; for(): Promise<LocalApp> }
  | { readonly reason: string; readonly refused: true };

/** Where the sandbox's own page is: over TLS, too. */
const LOCAL_PORTS: ReadonlySet<number> = new Set([80, 443]);

/** Says whether a connection is to one of them. */
export function ownAnswer(
  { host, port, subject }: LinkFlow,
  local: LocalHost,
  inference: InferenceHost,
  credentials: CredentialStore,
): OwnAnswer | undefined {
  if (host === LOCAL_HOST) {
    if (!LOCAL_PORTS.has(port)) return { reason: "it is the sandbox's own page, on port 80", refused: true };
    return { reason: "it is the sandbox's own page", for: () => local.for(subject) };
  }
  if (inference.serves(host, port)) {
    return { reason: "the policy's inference section serves it", for: () => inference.for(subject) };
  }
  if (loginsAt(credentials.logins, host, port).length > 0) {
    const app = tokenEndpoint(() => loginsAt(credentials.logins, host, port));
    return { reason: "logins of the sandbox are renewed by its owner's process", for: async () => app };
  }
  if (host !== INFERENCE_HOST) return undefined;
  return { reason: "it serves models, on port 443, where the policy has routes for them", refused: true };
}
