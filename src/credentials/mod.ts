/**
 * Secrets that the sandbox never holds: it gets placeholders, and the host puts the real ones into what it sends.
 *
 * @module
 */
export type { PostRenewal } from "./login/host-login.ts";
export type { SealedLogin } from "./login/sealed-login.ts";
export { loginsAt, tokenEndpoint } from "./login/token-endpoint.ts";
export { withoutValue } from "./scrubbed.ts";
export { type CredentialUse, SealedUpstream, type SealedUpstreamSetting } from "./sealed-upstream.ts";
export {
  CredentialStore,
  type CredentialStoreOptions,
  type GrantedCredential,
  type PreparedCredentials,
} from "./store.ts";
export { outputScrubber, scrubText } from "./told.ts";
export type * from "./types.ts";
