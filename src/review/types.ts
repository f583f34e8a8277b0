/**
 * The types of a review: what changed in a workspace, and what came of writing it back.
 *
 * @module
 */

/** What happened to a file. `renamed`: deleted there and added here with the same content. */
export type ChangeKind = "added" | "modified" | "deleted" | "renamed";

/** What a changed entry is now; for a deleted one, what it was. `special`: a FIFO, socket or device. */
export type ChangedKind = "file" | "symlink" | "directory" | "special";

/**
 * Why a change can only be shown by its name. `unreadable`: the program took the right to read it away. `too-large`: it is
 * longer than `maxFileBytes`, or there is too much to read. `too-deep`: folders below it were not looked at. `special`: it is
 * neither a file nor a symlink.
 */
export type ChangeProblem = "unreadable" | "too-large" | "too-deep" | "special";

/** How to show a difference. */
export interface DiffOptions {
  /** Unchanged lines around each change. @default 3 */
  readonly contextLines?: number;
}

/** One side of a change. */
export interface ChangeSide {
  readonly kind: ChangedKind;
  /** Permission bits. */
  readonly mode: number;
  /** In bytes. */
  readonly size: number;
  /** Of a file's content: 64 hexadecimal digits. Absent where it was not needed or cannot be read. */
  readonly sha256?: string;
  /** Of a symlink: what it says, as UTF-8; what is not is replaced. */
  readonly target?: string;
}

/** One entry of the workspace that is not what it was at the start. Directories are not listed: files make them. */
export interface Change {
  readonly kind: ChangeKind;
  /** Below the workspace, with `/`, as UTF-8; what is not is replaced, and only `pathBytes` is exact. Hostile: escape it on display. */
  readonly path: string;
  readonly pathBytes: Uint8Array;
  /** Of a renamed file: where it was. */
  readonly from?: string;
  readonly fromBytes?: Uint8Array;
  /** What it was; absent for an added one. */
  readonly before?: ChangeSide;
  /** What it is; absent for a deleted one. */
  readonly after?: ChangeSide;
  /** Whether the host's own folder has changed here since the start, so that `apply` refuses. */
  readonly conflict: boolean;
  /** Why it can be neither compared nor applied; absent where it can. */
  readonly problem?: ChangeProblem;
  /**
   * A unified diff for people: control characters are escaped, binary files are named with their hashes. Empty where only
   * the mode or the name changed.
   *
   * @throws {SandboxError} CHANGE_STALE If the file is no longer what this change says.
   */
  diff(options?: DiffOptions): Promise<string>;
}

/** What to look at. */
export interface ChangesOptions {
  /** Whether files that the folder's own `.gitignore` rules ignore are listed. @default false */
  readonly ignored?: boolean;
  /** Files longer than this are listed without a hash, and cannot be applied. In bytes. @default 268435456 */
  readonly maxFileBytes?: number;
  /** Ends the look. */
  readonly signal?: AbortSignal;
}

/** Everything that changed, in the order of the paths: an array with a few things more. */
export interface Changes extends ReadonlyArray<Change> {
  /** Changes inside of git's own folders, which `apply` leaves alone: hooks and configuration run programs. */
  readonly git: readonly Change[];
  /** How many changed files the folder's `.gitignore` rules left out. */
  readonly ignoredCount: number;
  /**
   * A patch of everything that is listed, which `git apply` takes. Bytes, because files are: it need not be text.
   *
   * @throws {SandboxError} CHANGE_STALE If a file is no longer what its change says.
   * @throws {SandboxError} REVIEW_FAILED If a change has a problem, or a file is longer than 32 MiB.
   */
  toPatch(): Promise<Uint8Array>;
}

/**
 * Which changes: paths and globs below the workspace, as policies write them (one that names a folder stands for all in it),
 * or a function. A rename counts by its new path.
 */
export type ChangeFilter = string | readonly string[] | ((change: Change) => boolean);

/** What to write back. */
export interface ApplyOptions {
  /** Which changes. @default all that are listed */
  readonly only?: ChangeFilter;
  /** The changes to choose from. @default those that `changes()` gave last; without any, it looks first */
  readonly changes?: Changes;
  /** `inside`: a symlink that leads out of the folder, or might, is refused. @default "inside" */
  readonly symlinks?: "inside" | "any";
  /** `commits`: also the objects, branches and tags of the folder's own repository, never hooks, configuration or the rest. @default "never" */
  readonly git?: "never" | "commits";
  /** Whether a refused change makes the promise reject, after all others were applied. @default false */
  readonly check?: boolean;
}

/**
 * Why a change was not applied. `host-changed`: the folder's own file is no longer what the sandbox began with.
 * `sandbox-changed`: the sandbox's file is no longer what was shown. `blocked`: something on the way is no folder, a symlink
 * for instance. `link-leads-out`: a symlink that leads out of the folder, or might. `git`: git's own. A change's `problem`,
 * where it has one. `failed`: the operating system refused.
 */
export type RefusalCode =
  | "host-changed"
  | "sandbox-changed"
  | "blocked"
  | "link-leads-out"
  | "git"
  | "failed"
  | ChangeProblem;

/** A change that was not applied: the folder's file is as it was. */
export interface RefusedChange {
  readonly change: Change;
  readonly code: RefusalCode;
  readonly reason: string;
}

/** What came of an `apply`. */
export interface ApplyResult {
  readonly applied: readonly Change[];
  readonly refused: readonly RefusedChange[];
}

/** What to put back. */
export interface DiscardOptions {
  /** Which changes. @default all, ignored files and git's own included */
  readonly only?: ChangeFilter;
  /** `kill`: ends the commands that run first. @default "refuse": COMMANDS_RUNNING while there are any */
  readonly running?: "kill" | "refuse";
}

/** What came of a `discard`. */
export interface DiscardResult {
  /** How many files are what they were. */
  readonly restored: number;
  /** Paths that the host has changed since the start: the sandbox has them as the host does now. */
  readonly updated: readonly string[];
}
