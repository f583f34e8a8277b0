/**
 * The policy as Cofferdam uses it: every default explicit, every rule named, every unit a number.
 *
 * @module
 */

import type {
  CredentialPlaces,
  CredentialProvider,
  HttpAccess,
  HttpRules,
  InferenceBudget,
  InferenceProvider,
  LoginProvider,
  PolicySectionName,
  PrivacyPattern,
  PrivacyRule,
  RuleEnforcement,
  TlsMode,
  Unmatched,
} from "./types.ts";

/**
 * What a policy means. Made by `normalizePolicy()` only; equal meanings in YAML and TypeScript give equal values.
 *
 * Lists keep the order and the length of the document, so `filesystem.read[2]` is the third entry in both.
 */
export interface NormalizedPolicy {
  readonly version: 1;
  readonly name?: string;
  readonly filesystem: NormalizedFilesystem;
  readonly process: NormalizedProcess;
  readonly network: NormalizedNetwork;
  readonly inference: NormalizedInference;
  readonly credentials: readonly NormalizedCredential[];
  readonly audit: NormalizedAudit;
  /** Sorted, without repetitions; absent where none is. */
  readonly locked?: readonly PolicySectionName[];
}

/** The filesystem section. Paths are canonical: absolute, or starting with `.` (the workspace) or `~` (the home). */
export interface NormalizedFilesystem {
  /** What the baseline grants; empty when it is off. */
  readonly baseline: readonly BaselineGrant[];
  readonly read: readonly NormalizedPathGrant[];
  readonly write: readonly NormalizedPathGrant[];
  readonly deny: readonly NormalizedPathDenial[];
  readonly ask: readonly NormalizedPathGrant[];
  readonly unmatched: Unmatched;
}

/**
 * How a path may be used. `read` includes listing and executing; `write` includes `read`, creating and removing;
 * `device` is reading, writing and ioctl on device files.
 */
export type PathAccess = "read" | "write" | "device";

/** One grant of the baseline. */
export interface BaselineGrant {
  readonly id: string;
  readonly path: string;
  readonly access: PathAccess;
  /** Always true: the baseline applies where its paths exist. */
  readonly optional: true;
}

/** A granted path. */
export interface NormalizedPathGrant {
  readonly id: string;
  readonly path: string;
  readonly optional: boolean;
  readonly defer?: string;
}

/** A denied path. */
export interface NormalizedPathDenial {
  readonly id: string;
  readonly path: string;
}

/** The process section. */
export interface NormalizedProcess {
  /** `"readable"`: whatever may be read may start. */
  readonly allow: "readable" | readonly NormalizedProcessRule[];
  readonly deny: readonly NormalizedProcessDenial[];
  readonly ask: readonly NormalizedProcessRule[];
  readonly limits: NormalizedLimits;
  readonly unmatched: Unmatched;
}

/** Programs that a denial matches. */
export interface NormalizedProcessDenial {
  readonly id: string;
  readonly binary: string;
  /** Absent: any arguments. */
  readonly args?: readonly string[];
}

/** Programs that a rule matches. */
export interface NormalizedProcessRule extends NormalizedProcessDenial {
  /** Lower-case hexadecimal. */
  readonly sha256?: string;
  readonly defer?: string;
}

/** Limits as numbers; an absent one is no limit. */
export interface NormalizedLimits {
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly pids?: number;
  readonly timeoutMs?: number;
  readonly mode: "enforce" | "best-effort";
}

/** The network section. */
export interface NormalizedNetwork {
  readonly allow: readonly NormalizedNetworkRule[];
  readonly deny: readonly NormalizedNetworkDenial[];
  readonly ask: readonly NormalizedNetworkRule[];
  readonly unmatched: Unmatched;
  readonly privateRanges: readonly string[];
}

/** Connections that a denial matches. Hosts are lower case. */
export interface NormalizedNetworkDenial {
  readonly id: string;
  readonly host: string;
  readonly ports: readonly number[] | "all";
  readonly binaries: readonly string[] | "any";
  /** Absent: the whole connection. */
  readonly http?: HttpRules;
}

/** Connections that a rule matches. Hosts are lower case. */
export interface NormalizedNetworkRule {
  readonly id: string;
  readonly host: string;
  readonly ports: readonly number[] | "all";
  readonly binaries: readonly string[] | "any";
  readonly tls: TlsMode;
  /** Absent: everything on the connection, HTTP or not. */
  readonly http?: HttpAccess | HttpRules;
  /** Addresses beside public ones that may be dialed. */
  readonly addresses: readonly string[];
  readonly enforcement: RuleEnforcement;
  readonly defer?: string;
}

/** The inference section. */
export interface NormalizedInference {
  readonly routes: readonly NormalizedRoute[];
  /** Absent: those that are known by their kind, and the host's own. */
  readonly providers?: Readonly<Record<string, InferenceProvider>>;
  readonly intercept: readonly string[];
  /** Absent: any provider may be routed to. */
  readonly localOnly?: true;
  readonly budget: InferenceBudget;
  /** Absent: there are none. */
  readonly privacy?: readonly NormalizedPrivacyRule[];
  readonly unmatched: Unmatched;
}

/** A rule about what calls carry. Paths are canonical. */
export interface NormalizedPrivacyRule {
  readonly id: string;
  /** Sorted. */
  readonly sensitive?: readonly string[];
  readonly patterns?: readonly PrivacyPattern[];
  readonly action: PrivacyRule["action"];
  readonly provider?: string;
  readonly model?: string;
  /** Absent: it is about calls that leave. */
  readonly local?: true;
}

/** A provider that a call is sent to. */
export interface NormalizedTarget {
  readonly provider: string;
  readonly model?: string;
  readonly timeoutMs?: number;
}

/** Where calls to some models go. */
export interface NormalizedRoute extends NormalizedTarget {
  readonly id: string;
  readonly models: readonly string[];
  readonly fallbacks?: readonly NormalizedTarget[];
}

/** A secret that the sandbox may use. */
export type NormalizedCredential = SealedCredential | ExposedCredential;

/** What all credentials have. */
export interface CredentialBase {
  readonly id: string;
  readonly name: string;
  readonly provider?: CredentialProvider;
  /** Absent: the one that the host has it in. */
  readonly variable?: string;
  readonly optional: boolean;
}

/** One that the sandbox never sees. Hosts and headers are lower case. */
export interface SealedCredential extends CredentialBase {
  readonly expose: "sealed";
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  /** Absent: any. */
  readonly paths?: readonly string[];
  readonly places: Required<CredentialPlaces>;
  readonly plaintext: boolean;
  /** The provider whose login it is. Absent: it is a value. */
  readonly login?: LoginProvider;
}

/** One that the sandbox holds itself. */
export interface ExposedCredential extends CredentialBase {
  readonly expose: "env";
}

/** What is recorded beyond the decisions that are always recorded. */
export interface NormalizedAudit {
  readonly files: "off" | "denials" | "all";
  /** Absent: what calls to models say is not recorded. */
  readonly inference?: "content";
}
