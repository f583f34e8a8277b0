/**
 * X.509 certificates as bytes, by the schemas of `@peculiar/asn1-x509`. (Its sibling `@peculiar/x509` would add a polyfill of
 * `Reflect` and a container for dependencies, and say no more.)
 *
 * @module
 */
import { createHash } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  Extensions as AsnExtensions,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  GeneralName,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";

/** What a certificate is for. */
export type Extensions =
  | { readonly kind: "authority" }
  | { readonly kind: "server"; readonly dns?: string; readonly address?: string };

/** What a certificate says. Keys are SPKI, as DER. */
export interface CertificateFields {
  readonly serial: Buffer;
  readonly issuer: string;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: Buffer;
  readonly issuerKey: Buffer;
  readonly extensions: Extensions;
  /** ECDSA with SHA-256 over the bytes, as DER. */
  sign(bytes: Buffer): Buffer;
}

const COMMON_NAME = "2.5.4.3";
const ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SUBJECT_KEY = "2.5.29.14";
const AUTHORITY_KEY = "2.5.29.35";
const ALTERNATIVE_NAME = "2.5.29.17";

/** A signed certificate, as DER. */
export function certificateDer(fields: CertificateFields): Buffer {
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(fields.serial),
    signature: algorithm,
    issuer: nameOf(fields.issuer),
    validity: new Validity({ notBefore: fields.notBefore, notAfter: fields.notAfter }),
    subject: nameOf(fields.subject),
    subjectPublicKeyInfo: AsnConvert.parse(fields.publicKey, SubjectPublicKeyInfo),
    extensions: new AsnExtensions(extensionsOf(fields)),
  });
  const signature = fields.sign(Buffer.from(AsnConvert.serialize(body)));
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm,
    signatureValue: toArrayBuffer(signature),
  });
  return Buffer.from(AsnConvert.serialize(certificate));
}

/** DER as PEM. */
export function pemOf(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extensionsOf({ extensions, publicKey, issuerKey }: CertificateFields): Extension[] {
  const common = [
    extension(AUTHORITY_KEY, false, new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId(issuerKey)) })),
    extension(SUBJECT_KEY, false, new SubjectKeyIdentifier(keyId(publicKey))),
  ];
  if (extensions.kind === "authority") {
    return [
      extension(BASIC_CONSTRAINTS, true, new BasicConstraints({ cA: true, pathLenConstraint: 0 })),
      extension(KEY_USAGE, true, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)),
      ...common,
    ];
  }
  const { dns, address } = extensions;
  const name = address === undefined ? { dNSName: dns ?? "" } : { iPAddress: address };
  return [
    extension(BASIC_CONSTRAINTS, true, new BasicConstraints({ cA: false })),
    extension(KEY_USAGE, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(EXTENDED_KEY_USAGE, false, new ExtendedKeyUsage([SERVER_AUTH])),
    extension(ALTERNATIVE_NAME, false, new SubjectAlternativeName([new GeneralName(name)])),
    ...common,
  ];
}

function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function keyId(spki: Buffer): ArrayBuffer {
  return toArrayBuffer(createHash("sha256").update(spki).digest().subarray(0, 20));
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
