/**
 * The policy as a person writes it, in TypeScript or in YAML: the same keys in both.
 *
 * Sections that are missing grant nothing. What a policy means, with every default filled in, is a
 * `NormalizedPolicy` (`normalized.ts`).
 *
 * @module
 */

import type { ContentRules } from "./content-types.ts";
import type { CredentialRule } from "./credentials/types.ts";
import type { InferenceSection } from "./inference-types.ts";

export type * from "./content-types.ts";
export type * from "./credentials/types.ts";
export type * from "./inference-types.ts";

/** What becomes of an operation. Where several apply: deny before ask before allow. */
export type Verdict = "allow" | "deny" | "ask";

/** What becomes of an operation that no rule of its section matches. */
export type Unmatched = "deny" | "ask";

/**
 * A policy: what a sandbox may do. Everything that it does not grant is denied.
 *
 * @example
 * ```ts
 * import type { Policy } from "cofferdam";
 *
 * const policy: Policy = {
 *   version: 1,
 *   filesystem: { read: ["."], write: ["./docs"] },
 *   process: { limits: { memory: "1GiB", timeoutMs: 600_000 } },
 * };
 * ```
 */
export interface Policy {
  /** The version of this format. */
  readonly version: 1;
  /** A name for people and audit records: at most 128 characters. */
  readonly name?: string;
  readonly filesystem?: FilesystemSection;
  readonly process?: ProcessSection;
  readonly network?: NetworkSection;
  readonly inference?: InferenceSection;
  /** Secrets of the host that the sandbox may use: sealed unless a rule says otherwise. */
  readonly credentials?: readonly CredentialRule[];
  readonly audit?: AuditSection;
  /**
   * Sections that nobody may widen who composes this policy with others; a section that is missing here stays empty. It makes no
   * difference to a sandbox.
   *
   * @default none
   */
  readonly locked?: readonly PolicySectionName[];
}

/** The sections of a policy. */
export type PolicySectionName = "filesystem" | "process" | "network" | "inference" | "credentials" | "audit";

/**
 * Which files may be read and written.
 *
 * A path is absolute, relative to the workspace (`./src`, `src`), or under the sandbox's home (`~/.cache`). A directory
 * stands for its whole tree. Grants add up: a `read` inside a `write` takes nothing away.
 */
export interface FilesystemSection {
  /** Grants what programs need to run: loader, libraries, `/dev/null`, `/tmp`, the home. @default {true} */
  readonly baseline?: boolean;
  /** May be read, listed and executed. */
  readonly read?: readonly (string | PathGrant)[];
  /** May be read, executed, changed, created and removed. */
  readonly write?: readonly (string | PathGrant)[];
  /** Is denied, whatever grants it. */
  readonly deny?: readonly (string | PathDenial)[];
  /** Is decided by an approver, each time. */
  readonly ask?: readonly (string | PathGrant)[];
  /** @default {"deny"} */
  readonly unmatched?: Unmatched;
}

/** A path that is granted, with options. */
export interface PathGrant {
  /** The name of this rule in verdicts: letters, digits, `.`, `_`, `-`. @default derived from the path */
  readonly id?: string;
  readonly path: string;
  /** Applies only where the path exists; otherwise a missing path is an error. @default {false} */
  readonly optional?: boolean;
  /** The name of the hook that decides in this rule's place. Denied when no such hook is registered. */
  readonly defer?: string;
}

/** A path that is denied, with its id. */
export interface PathDenial {
  /** The name of this rule in verdicts. @default derived from the path */
  readonly id?: string;
  readonly path: string;
}

/** Which programs may be started, and with what resources. */
export interface ProcessSection {
  /** The only programs that may start. @default everything that may be read */
  readonly allow?: readonly (string | ProcessRule)[];
  /** Never start, whatever allows them. */
  readonly deny?: readonly (string | ProcessDenial)[];
  /** Start when an approver agrees. */
  readonly ask?: readonly (string | ProcessRule)[];
  readonly limits?: LimitsSection;
  /** @default {"deny"} */
  readonly unmatched?: Unmatched;
}

/** Programs that a denial matches: by name on the sandbox's `PATH` or by absolute path, and by arguments. */
export interface ProcessDenial {
  /** The name of this rule in verdicts. @default derived from the binary and its arguments */
  readonly id?: string;
  /** A name without `/`, or an absolute path; globs allowed. */
  readonly binary: string;
  /** One glob for each argument after the program's name; `**` stands for any number of them. @default any */
  readonly args?: readonly string[];
}

/** Programs that may start, or that an approver decides on. */
export interface ProcessRule extends ProcessDenial {
  /** The binary's SHA-256, as 64 hexadecimal digits. @default any */
  readonly sha256?: string;
  /** The name of the hook that decides in this rule's place. */
  readonly defer?: string;
}

/** What all processes of a sandbox may use together, and how long each command may run. */
export interface LimitsSection {
  /** Memory, with a unit: `"1GiB"`, `"512MiB"`, `"2GB"`. @default no limit */
  readonly memory?: string;
  /** The same, in bytes. Only one of the two. */
  readonly memoryBytes?: number;
  /** Processors, for instance `0.5` or `2`. @default no limit */
  readonly cpus?: number;
  /** Processes and threads that exist at one time. @default no limit */
  readonly pids?: number;
  /** How long one command may run, with a unit: `"250ms"`, `"30s"`, `"10m"`, `"1h"`. @default no limit */
  readonly timeout?: string;
  /** The same, in milliseconds. Only one of the two. */
  readonly timeoutMs?: number;
  /** Whether a sandbox may start where a limit can only be approximated. @default {"enforce"} */
  readonly mode?: "enforce" | "best-effort";
}

/** Which hosts may be reached. */
export interface NetworkSection {
  readonly allow?: readonly NetworkRule[];
  readonly deny?: readonly NetworkDenial[];
  readonly ask?: readonly NetworkRule[];
  /** @default {"deny"} */
  readonly unmatched?: Unmatched;
  /** Loopback, link-local and private addresses of the host's network that may be dialed, as CIDR. @default none */
  readonly privateRanges?: readonly string[];
}

/** Connections that may be made, or that an approver decides on. */
export interface NetworkRule {
  /** The name of this rule in verdicts. @default derived from host and ports */
  readonly id?: string;
  /**
   * A host name, a glob of labels (`*.example.com`), an address (IPv6 in brackets), or a range of them as CIDR
   * (`10.0.0.0/8`, `2001:db8::/32`). Names never match addresses, nor addresses names.
   */
  readonly host: string;
  /** @default {[443]} */
  readonly ports?: readonly number[] | "all";
  /** The programs that may use this rule; globs allowed. @default any */
  readonly binaries?: readonly string[];
  /** Whether the host's TLS is opened to see HTTP. `auto`: where a rule or a hook needs it. @default {"auto"} */
  readonly tls?: TlsMode;
  /** Which HTTP requests are meant. @default everything on the connection, HTTP or not */
  readonly http?: HttpAccess | HttpRules;
  /**
   * Addresses beside public ones that the host's name may resolve to: loopback, link-local and private ones, as CIDR or
   * single addresses. @default none
   */
  readonly addresses?: readonly string[];
  /**
   * `audit`: requests that `http` does not cover pass, and are recorded as what would have been denied. For the way towards
   * a policy; denials still deny.
   *
   * @default {"enforce"}
   */
  readonly enforcement?: RuleEnforcement;
  /** The name of the hook that decides in this rule's place. */
  readonly defer?: string;
}

/** Whether a rule is held, or only recorded. */
export type RuleEnforcement = "enforce" | "audit";

/** Connections, or HTTP requests on them, that are denied whatever allows them. */
export interface NetworkDenial {
  /** The name of this rule in verdicts. @default derived from host and ports */
  readonly id?: string;
  readonly host: string;
  /** @default {"all"} */
  readonly ports?: readonly number[] | "all";
  /** @default any */
  readonly binaries?: readonly string[];
  /** @default the whole connection */
  readonly http?: HttpRules;
}

/** Whether TLS is opened on the host. */
export type TlsMode = "auto" | "terminate" | "passthrough";

/**
 * HTTP by kind.
 *
 * - `read-only`: GET, HEAD and OPTIONS. `read-write`: also POST, PUT and PATCH. `full`: every method, and WebSockets.
 * - `git-read-only`: clone and fetch. `git-read-write`: also push. Both over the smart protocol (gitprotocol-http).
 * - `npm-install`, `pypi-install`: what installing from a registry needs, and nothing that publishes. The host is the rule's.
 */
export interface HttpAccess {
  readonly access:
    | "read-only"
    | "read-write"
    | "full"
    | "git-read-only"
    | "git-read-write"
    | "npm-install"
    | "pypi-install";
}

/** HTTP by rules: a request must match one of them. */
export interface HttpRules {
  readonly rules: readonly HttpRule[];
}

/** One kind of HTTP request. A request is meant if it matches every key that is given. */
export interface HttpRule extends ContentRules {
  /** Upper-case methods; GET includes HEAD. @default any */
  readonly methods?: readonly string[];
  /** Globs of URL paths, decoded, each from `/`. @default any */
  readonly paths?: readonly string[];
  /**
   * Globs that query parameters must match. Others are not looked at. Of a parameter that comes more than once, every value
   * must match; in a denial, one.
   */
  readonly query?: Readonly<Record<string, string>>;
  /** Requests that become a WebSocket (RFC 6455), and no others. @default requests that do not */
  readonly websocket?: true;
  /** Calls of gRPC, and no others. It says method and path, so nothing else stands beside it. */
  readonly grpc?: GrpcCalls;
}

/**
 * Calls of gRPC: POST, a content type of `application/grpc`, and the path `/service/method`. A denial means the path, whatever
 * method and content type say.
 *
 * @see {@link https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md | gRPC over HTTP/2}
 */
export interface GrpcCalls {
  /** The service with its package: a glob of labels, as `acme.users.v1.*`. */
  readonly service: string;
  /** Globs of the names of methods. @default any */
  readonly methods?: readonly string[];
}

/** What is recorded beyond the decisions that are always recorded. */
export interface AuditSection {
  /**
   * Which file operations are recorded. `off` is the cheapest: the kernel alone decides where it can, and nothing is seen.
   *
   * @default {"denials"}
   */
  readonly files?: "off" | "denials" | "all";
  /**
   * What is recorded of a call to a model. `content`: what was said, too, in both directions, without known secrets and up to 32,768
   * characters each. Records go wherever they go: to the log, to listeners, to plugins that export them.
   *
   * @default {"metadata"}
   */
  readonly inference?: "metadata" | "content";
}
