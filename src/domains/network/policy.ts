/**
 * The network domain's view of a policy: where connections may go, and the secrets that they carry.
 *
 * @module
 */

import type { NormalizedCredential, NormalizedNetwork, NormalizedPolicy } from "../../policy/core.ts";

/** What the network and credentials sections say. */
export interface NetworkRules extends NormalizedNetwork {
  readonly credentials: readonly NormalizedCredential[];
}

/** Reads the network and credentials sections of a policy. */
export function networkRules(policy: NormalizedPolicy): NetworkRules {
  return { ...policy.network, credentials: policy.credentials };
}
