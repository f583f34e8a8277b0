/**
 * The certificate authority of one sandbox: made when it starts, gone when it ends. Its key never leaves this process.
 *
 * Certificates are short-lived, one for each name, with one key of their own. Source: RFC 5280, RFC 9618 (none of it is
 * parsed here), and what Apple and the CA/Browser Forum hold certificates to.
 *
 * @module
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { certificateDer, type Extensions, pemOf } from "./certificate.ts";

/** A certificate authority. */
export interface CertificateAuthority {
  /** Its certificate, as PEM: what the sandbox has to trust. */
  readonly certificate: string;
  /** What a server of that name (or address) shows. Kept; made again when it is near its end. */
  contextFor(name: string): SecureContext;
}

const DAY_MS = 86_400_000;
/** Clocks differ. */
const SKEW_MS = DAY_MS;
const AUTHORITY_MS = 825 * DAY_MS;
const LEAF_MS = 7 * DAY_MS;
/** The most names that certificates are kept for. */
const NAMES_MAX = 512;

interface Leaf {
  readonly context: SecureContext;
  readonly until: number;
}

/** Makes one. `label` is what people see as the issuer. */
export function createAuthority(label: string): CertificateAuthority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leafKeys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const leafKey = leafKeys.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const issuer = `Cofferdam sandbox ${label}`;
  const issue = (publicKey: KeyObject, subject: string, lifetimeMs: number, extensions: Extensions): Buffer => {
    return certificateDer({
      serial: serialNumber(),
      issuer,
      subject,
      notBefore: new Date(Date.now() - SKEW_MS),
      notAfter: new Date(Date.now() + lifetimeMs),
      publicKey: publicKey.export({ type: "spki", format: "der" }),
      issuerKey: keys.publicKey.export({ type: "spki", format: "der" }),
      extensions,
      sign: (bytes) => sign("sha256", bytes, keys.privateKey),
    });
  };
  const certificate = pemOf(issue(keys.publicKey, issuer, AUTHORITY_MS, { kind: "authority" }));
  const leaves = new Map<string, Leaf>();
  return {
    certificate,
    contextFor(name) {
      const known = leaves.get(name);
      if (known !== undefined && known.until > Date.now()) return known.context;
      const names = isIP(name) === 0 ? { dns: name } : { address: name };
      const der = issue(leafKeys.publicKey, name.length > 64 ? "sandbox" : name, LEAF_MS, { kind: "server", ...names });
      const context = createSecureContext({ key: leafKey, cert: pemOf(der) + certificate, minVersion: "TLSv1.2" });
      if (leaves.size >= NAMES_MAX) leaves.delete(leaves.keys().next().value ?? "");
      leaves.set(name, { context, until: Date.now() + LEAF_MS / 2 });
      return context;
    },
  };
}

/** Positive, 127 random bits. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

/** What stands in a certificate, for people. */
export function describeCertificate(pem: string): { readonly subject: string; readonly fingerprint256: string } {
  const { subject, fingerprint256 } = new X509Certificate(pem);
  return { subject, fingerprint256 };
}
