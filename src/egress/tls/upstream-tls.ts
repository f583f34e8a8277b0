/**
 * TLS towards the real hosts.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect, createSecureContext, rootCertificates, type SecureContext, type TLSSocket } from "node:tls";

/** Whose certificates count on the upstream side. */
export interface UpstreamTrust {
  /** Absent: the platform's. */
  readonly context: SecureContext | undefined;
}

/** How long a handshake may take, in milliseconds. */
const HANDSHAKE_MS = 15_000;

/**
 * The platform's certificates, those that `NODE_EXTRA_CA_CERTS` names, and these.
 *
 * @param certificates PEM texts.
 */
export function upstreamTrust(certificates: readonly string[]): UpstreamTrust {
  if (certificates.length === 0) return { context: undefined };
  const before = known.get(certificates);
  if (before !== undefined) return before;
  const trust = trustOf(certificates);
  if (Object.isFrozen(certificates)) known.set(certificates, trust);
  return trust;
}

/** Reading all of the platform's certificates takes longer than a sandbox: who gives the same frozen list again waits once. */
const known = new WeakMap<readonly string[], UpstreamTrust>();

function trustOf(certificates: readonly string[]): UpstreamTrust {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  const ca = [...rootCertificates, ...(extra ? [readFileSync(extra, "utf8")] : []), ...certificates];
  return { context: createSecureContext({ ca }) };
}

/** Speaks TLS over a connection; settles when the host has proved its name. */
export function connectTls(
  socket: Duplex,
  host: string,
  protocols: readonly string[],
  { context }: UpstreamTrust,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: [...protocols],
      rejectUnauthorized: true,
      ...(context === undefined ? {} : { secureContext: context }),
    });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      secure.destroy();
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(Object.assign(new Error("no handshake"), { code: "ETIMEDOUT" })), HANDSHAKE_MS);
    secure.once("error", fail);
    secure.once("close", () => fail(Object.assign(new Error("closed in the handshake"), { code: "ECONNRESET" })));
    secure.once("secureConnect", () => {
      clearTimeout(timer);
      secure.removeAllListeners("close");
      secure.off("error", fail);
      // While it is kept nobody else may listen, and it may break at any time.
      secure.on("error", () => undefined);
      resolve(secure);
    });
  });
}
