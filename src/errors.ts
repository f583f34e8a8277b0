/**
 * The one error that Cofferdam throws, and the facts each of its codes carries.
 *
 * @module
 */

/** What every error code carries as `details`. The keys are the codes. */
export interface ErrorDetails {
  /** A policy, or an option of a call, is malformed. */
  POLICY_INVALID: { readonly issues: readonly PolicyIssue[]; readonly source?: string };
  /** The policy asks for something that this version cannot enforce. */
  POLICY_UNSUPPORTED: { readonly issues: readonly PolicyIssue[]; readonly source?: string };
  /** A live change would widen what a sandbox may do. */
  POLICY_WIDENS: { readonly section: string; readonly path: readonly (string | number)[]; readonly reason: string };
  /** A live change would narrow what running commands may do, which their kernel domain does not follow. */
  COMMANDS_RUNNING: { readonly count: number; readonly section: string };
  /** Two parts of a policy give one thing two values. `path` is that of the first one's. */
  POLICY_CONFLICT: {
    readonly path: string;
    readonly parts: readonly [first: string, second: string];
    readonly values: readonly [first: unknown, second: unknown];
  };
  /** A part of a policy would widen a section that another one has locked. */
  POLICY_LOCKED: {
    readonly section: string;
    /** Who has locked it. */
    readonly part: string;
    /** Who would widen it: empty where no single rule does. */
    readonly by: readonly string[];
    readonly path: readonly (string | number)[];
    readonly reason: string;
  };
  /** What two policies have in common cannot be written as a policy. */
  POLICY_INEXPRESSIBLE: { readonly rules: readonly [first: string, second: string]; readonly reason: string };
  /** A recipe is malformed, or gives what is refused. */
  RECIPE_INVALID: { readonly recipe: string; readonly reason: string };
  /** Parameters of a recipe are missing, unknown or malformed. */
  RECIPE_PARAMS_INVALID: { readonly recipe: string; readonly issues: readonly PolicyIssue[] };
  /** There is no such recipe, or it cannot be loaded. */
  RECIPE_UNAVAILABLE: { readonly reference: string; readonly reason: string };
  /** A recipe, or what it builds, is not what the lockfile says. */
  RECIPE_CHANGED: {
    readonly reference: string;
    readonly what: "source" | "version" | "policy" | "output" | "image" | "missing";
    readonly locked?: string;
    readonly found?: string;
  };
  /** A lockfile cannot be read or written. */
  LOCK_UNUSABLE: { readonly path: string; readonly reason: string };
  /** A policy file cannot be read. */
  POLICY_UNREADABLE: { readonly path: string };
  /** An argument of a call is malformed. */
  ARGUMENT_INVALID: { readonly argument: string; readonly value?: unknown };
  /** The host does not have a credential of the policy, or cannot read it. */
  CREDENTIAL_UNAVAILABLE: { readonly credential: string; readonly reason: string };
  /** A path that the policy grants does not exist in the sandbox. */
  PATH_MISSING: { readonly path: string; readonly rule: string };
  /** The workspace cannot be used as asked. */
  WORKSPACE_UNUSABLE: { readonly path: string; readonly reason: string };
  /** The folder that keeps volumes and snapshots cannot be used. */
  STATE_UNUSABLE: { readonly path: string; readonly reason: string };
  /** Somebody else has the volume. */
  VOLUME_BUSY: { readonly volume: string };
  /** The volume cannot be used as asked. */
  VOLUME_UNUSABLE: { readonly volume: string; readonly reason: string };
  /** There is no such snapshot, it was changed, or it holds what the policy does not let be written. */
  SNAPSHOT_UNUSABLE: { readonly snapshot: string; readonly reason: string };
  /** The folder or archive cannot be the root of a local sandbox. */
  ROOT_UNUSABLE: { readonly path: string; readonly reason: string };
  /** The image does not exist where the Docker engine looks. */
  IMAGE_MISSING: { readonly image: string };
  /** An image could not be built. `output` is the end of what the build said: hostile. */
  IMAGE_BUILD_FAILED: { readonly context: string; readonly reason: string; readonly output?: string };
  /** The runtime that was asked for does not work here. */
  RUNTIME_UNAVAILABLE: { readonly runtime: string; readonly reason: string };
  /** The kernel or the engine lacks something that the policy needs. */
  ENFORCEMENT_MISSING: { readonly feature: string; readonly found?: string };
  /** The warden cannot be built, found or verified. */
  WARDEN_UNAVAILABLE: { readonly reason: string; readonly output?: string };
  /** The warden refused to start, or failed while it started. */
  START_FAILED: { readonly stage: string; readonly errno?: string; readonly output?: string };
  /** The link to the sandbox ended before its time. */
  LINK_LOST: { readonly reason: string };
  /** The sandbox sent something that the protocol does not allow. */
  PROTOCOL_VIOLATION: { readonly reason: string };
  /** The sandbox is stopped, or stops. */
  SANDBOX_STOPPED: { readonly id: string };
  /** The call was aborted by its `AbortSignal`. */
  ABORTED: { readonly operation: string };
  /** A program could not be started. */
  EXEC_FAILED: { readonly program: string; readonly errno: string; readonly stage: string };
  /** With `check: true`: a command failed. Carries the command's result. */
  COMMAND_FAILED: {
    readonly argv: readonly string[];
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly timedOut: boolean;
    readonly stdout: string;
    readonly stderr: string;
  };
  /** A file operation was refused by the policy's floor. */
  FILE_DENIED: { readonly operation: string; readonly path: string; readonly errno: string };
  /** A file operation named something that does not exist. */
  FILE_MISSING: { readonly operation: string; readonly path: string; readonly errno: string };
  /** A file operation failed otherwise. */
  FILE_FAILED: { readonly operation: string; readonly path: string; readonly errno: string };
  /** A server in the sandbox could not be reached. `errno` is for instance `ECONNREFUSED`. */
  PORT_UNREACHABLE: { readonly port: number; readonly errno: string };
  /** A server in the sandbox did not answer a request as HTTP servers do. */
  FETCH_FAILED: { readonly port: number; readonly reason: string };
  /** A body is longer than its reader wants to hold. */
  BODY_TOO_LONG: { readonly maxBytes: number };
  /** A port of the host could not be opened. */
  LISTEN_FAILED: { readonly host: string; readonly port: number; readonly errno: string };
  /** There is nothing to review: the workspace is live, or there is no folder to write back to. */
  REVIEW_UNAVAILABLE: { readonly operation: string; readonly reason: string };
  /** A review could not be finished. */
  REVIEW_FAILED: { readonly path: string; readonly reason: string };
  /** A file is no longer what the change that was shown says. */
  CHANGE_STALE: { readonly path: string };
  /** With `check: true`: some changes were refused. The others were applied. */
  CHANGES_REFUSED: { readonly refused: readonly { readonly path: string; readonly code: string }[] };
  /** A plugin is malformed, or failed to set up. `plugin` is its name, or its place in the list. */
  PLUGIN_INVALID: {
    readonly plugin: string;
    readonly reason: string;
    readonly hook?: string;
    /** The nearest known name, for an unknown one. */
    readonly nearest?: string;
  };
  /** A hook failed: an operation that it was asked about is denied. `plugin` is absent for the approver. */
  HOOK_FAILED: {
    readonly plugin?: string;
    readonly hook: string;
    readonly failure: "threw" | "late" | "nonsense" | "crowded";
  };
  /** An answer to a question of an approver does not count. */
  APPROVAL_REFUSED: {
    readonly question: string;
    readonly why: "late" | "double" | "unknown" | "forged" | "replayed";
  };
  /** A hook called the sandbox that waits for its answer. */
  HOOK_REENTRANT: {
    readonly sandbox: string;
    readonly operation: string;
    readonly plugin: string;
    readonly hook: string;
  };
  /** No sandbox of a pool came free: too many callers waited already, or this one for too long. */
  POOL_EXHAUSTED: { readonly reason: "crowded" | "late"; readonly waiting: number; readonly inUse: number };
  /** The pool is closed, or was while the call waited. */
  POOL_CLOSED: { readonly operation: string };
  /** A pipeline is malformed. */
  PIPELINE_INVALID: { readonly issues: readonly { readonly path: string; readonly message: string }[] };
  /** The folder of a pipeline's run cannot be used: it is not private, its journal was changed, or there is none. */
  RUN_UNUSABLE: { readonly run: string; readonly reason: string };
  /** Another process has the run. */
  RUN_BUSY: { readonly run: string };
  /** What a run began with is no longer what it was: its definition, a policy, or files of the project. */
  RUN_CHANGED: { readonly run: string; readonly changed: readonly string[] };
  /** A stored artifact is no longer what it was. */
  ARTIFACT_CHANGED: { readonly artifact: string; readonly reason: string };
  /** An audit log does not verify. */
  AUDIT_BROKEN: { readonly line: number; readonly reason: string };
}

/** Every error code. */
export type ErrorCode = keyof ErrorDetails;

/** One thing that is wrong with a policy, and where. */
export interface PolicyIssue {
  /** The place in the document, for instance `filesystem.read[2]`. */
  readonly path: string;
  /** What is wrong, without a final period. */
  readonly message: string;
  /** 1-based, where the policy came as text. */
  readonly line?: number;
  /** 1-based, where the policy came as text. */
  readonly column?: number;
  /** The nearest known key, for an unknown one. */
  readonly nearest?: string;
}

/** What a {@link SandboxError} is made of. */
export interface SandboxErrorOptions<C extends ErrorCode> {
  readonly details: ErrorDetails[C];
  /** The smallest change that would help, as a sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("cofferdam.SandboxError");

/**
 * The error of every failed call: a code to switch on, its facts as `details`, and a hint.
 *
 * @example
 * ```ts
 * import { createSandbox, SandboxError } from "cofferdam";
 *
 * try {
 *   await createSandbox({ version: 1, filesystem: { reed: ["."] } } as never);
 * } catch (error) {
 *   if (SandboxError.is(error, "POLICY_INVALID")) console.error(error.details.issues, error.hint);
 * }
 * ```
 */
export class SandboxError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = "SandboxError";
  readonly code: C;
  readonly details: ErrorDetails[C];
  readonly hint: string | undefined;

  constructor(code: C, message: string, options: SandboxErrorOptions<C>) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.hint = options.hint;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether `value` is a `SandboxError`, of that code if one is given, from any copy of this library. */
  static is<C extends ErrorCode = ErrorCode>(value: unknown, code?: C): value is SandboxError<C> {
    if (!(value instanceof Error) || !(BRAND in value)) return false;
    return code === undefined || ("code" in value && value.code === code);
  }
}
