/**
 * What makes programs in a sandbox trust its certificate authority: files that are shown to them read-only, and the
 * variables that their libraries look at. The key is not among them.
 *
 * @module
 */
import { rootCertificates } from "node:tls";

/** Where the files are in a sandbox. */
export const TRUST_DIRECTORY = "/.cofferdam-trust";

/** The sandbox's own certificate alone, for libraries that add it to what they trust. */
export const AUTHORITY_PATH: string = `${TRUST_DIRECTORY}/ca.pem`;
/** All that counts, for libraries that trust one file. */
const BUNDLE = `${TRUST_DIRECTORY}/bundle.pem`;

/** wget reads no variable for its authorities, but one for its settings. */
const WGETRC = `${TRUST_DIRECTORY}/wgetrc`;

/** A file of a sandbox that nobody in it can change. */
export interface SandboxFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string;
}

/**
 * The files.
 *
 * The bundle holds what this platform trusts (Mozilla's list), so that connections whose TLS is not opened work as well.
 *
 * @param certificate The sandbox's own, as PEM.
 * @param others More that count, as PEM: the host's own authorities.
 */
export function trustFiles(certificate: string, others: readonly string[]): SandboxFile[] {
  const lines = [...rootCertificates, ...others, certificate].map((pem) => pem.trim());
  return [
    { path: AUTHORITY_PATH, content: certificate },
    { path: BUNDLE, content: `${lines.join("\n")}\n` },
    { path: WGETRC, content: `ca_certificate = ${BUNDLE}\n` },
  ];
}

/** The variables. Node and Deno add what they are given; the others read nothing else. */
export const TRUST_VARIABLES: Readonly<Record<string, string>> = {
  NODE_EXTRA_CA_CERTS: AUTHORITY_PATH,
  DENO_CERT: AUTHORITY_PATH,
  SSL_CERT_FILE: BUNDLE,
  CURL_CA_BUNDLE: BUNDLE,
  REQUESTS_CA_BUNDLE: BUNDLE,
  GIT_SSL_CAINFO: BUNDLE,
  AWS_CA_BUNDLE: BUNDLE,
  CARGO_HTTP_CAINFO: BUNDLE,
  PIP_CERT: BUNDLE,
  // Where settings of npm for all users name a file, Node's own list does not count.
  NPM_CONFIG_CAFILE: BUNDLE,
  WGETRC,
};
