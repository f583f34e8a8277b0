/**
 * What decide hooks are asked about.
 *
 * @module
 */

/** What a program does to a path. */
export type FilesystemOperation =
  | "read"
  | "write"
  | "create"
  | "delete"
  | "rename"
  | "link"
  | "list"
  | "metadata"
  | "connect";

/** What the policy says before any hook is asked: a rule allows it, or the answer is left open. */
export type PolicyVerdict = "allow" | "ask";

/**
 * A program is about to do something to a path.
 *
 * Shape: paths are those of the sandbox, absolute and canonical: what the object is really called, links followed. Bytes
 * that are no UTF-8 are replaced in texts; `pathBytes` has the exact ones.
 */
export interface FilesystemAccess {
  readonly operation: FilesystemOperation;
  readonly path: string;
  readonly pathBytes: Uint8Array;
  /** The other path of a `rename` or `link`: the name that the object gets. */
  readonly target?: string;
  /** In the sandbox. */
  readonly pid: number;
  /** The path of the asking program; empty where it is not known. */
  readonly binary: string;
  readonly verdict: PolicyVerdict;
  /** The rule that gave the verdict. Absent: none matched. */
  readonly ruleId?: string;
}

/** A program wants to connect to another machine. */
export interface NetworkConnect {
  /** The name as it was asked for, lower case and without a final dot; or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** In the sandbox. */
  readonly pid: number;
  /** The path of the program; empty where it is not known. */
  readonly binary: string;
  /** Of the program's file: 64 hexadecimal digits. Absent: it cannot be read, or is longer than anybody should wait for. */
  readonly sha256?: string;
  /** The paths of its parents' programs, the nearest first. They inform; they prove nothing. */
  readonly ancestors: readonly string[];
  readonly verdict: PolicyVerdict;
  /** The rule that gave the verdict. Absent: none matched. */
  readonly ruleId?: string;
}

/** A program sends an HTTP request. Queries, headers and bodies are not here: they may hold secrets. */
export interface NetworkRequest {
  readonly method: string;
  /** Scheme, host and path, as it is sent. */
  readonly url: string;
  /** The path, decoded: what globs of paths are compared with. */
  readonly path: string;
  /** Whether it asks to become a WebSocket. */
  readonly websocket: boolean;
  /** What it asks for, where rules are about that: such as `mutation createIssue` or `tools/call search`. */
  readonly calls?: readonly string[];
  readonly verdict: PolicyVerdict;
  /** The rule that gave the verdict. Absent: none matched. */
  readonly ruleId?: string;
}

/** A message is about to be passed on: on a WebSocket, or an event that a host sends (server-sent events). */
export interface NetworkMessage {
  /** From the program to the host, or from the host to the program. */
  readonly direction: "to-host" | "from-host";
  readonly kind: "text" | "binary" | "event";
  /** Whole, however many frames or lines it came in: bytes where it is binary. */
  readonly data: string | Uint8Array;
  /** The type of an event. */
  readonly event?: string;
  readonly verdict: PolicyVerdict;
  /** The rule that gave the verdict. Absent: none looks at messages. */
  readonly ruleId?: string;
}

/**
 * A program is about to start.
 *
 * Shape: as {@link FilesystemAccess}. Nothing of it has run yet, and what starts is verified to be this.
 */
export interface ProcessStart {
  /** The file that the kernel will run: of a script, its interpreter. */
  readonly path: string;
  readonly pathBytes: Uint8Array;
  /** The script that the interpreter is started for. */
  readonly script?: string;
  /** With the program's own name for itself first, which is whatever the caller says. */
  readonly argv: readonly string[];
  readonly argvBytes: readonly Uint8Array[];
  readonly cwd: string;
  /** Of the program's file: 64 hexadecimal digits. Absent: the sandbox can write it, and it is longer than 64 MiB. */
  readonly sha256?: string;
  /** The paths of its parents' programs, the nearest first. They inform; they prove nothing. */
  readonly parents: readonly string[];
  /** In the sandbox. */
  readonly pid: number;
  readonly verdict: PolicyVerdict;
  /** The rule that gave the verdict. Absent: none matched. */
  readonly ruleId?: string;
}
