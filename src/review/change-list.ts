/**
 * Differences as people and programs get them.
 *
 * @module
 */
import { escapeControl } from "../audit/display.ts";
import { SandboxError } from "../errors.ts";
import type { BaselineEntry } from "../runtimes/workspace/mod.ts";
import type { Difference } from "./compare.ts";
import { type PatchPart, patchOf } from "./patch.ts";
import { displayOf } from "./paths.ts";
import type { ScannedEntry } from "./tree.ts";
import type { Change, ChangeKind, ChangeProblem, ChangeSide, Changes, DiffOptions } from "./types.ts";

/** Reads both sides of a difference. */
export type ReadSides = (difference: Difference) => Promise<PatchPart>;

/** The implementation of {@link Change}. */
export class ChangeEntry implements Change {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly pathBytes: Uint8Array;
  declare readonly from?: string;
  declare readonly fromBytes?: Uint8Array;
  declare readonly before?: ChangeSide;
  declare readonly after?: ChangeSide;
  readonly conflict: boolean;
  declare readonly problem?: ChangeProblem;
  readonly #difference: Difference;
  readonly #read: ReadSides;

  constructor(difference: Difference, conflict: boolean, read: ReadSides) {
    const { kind, path, from, before, after, problem } = difference;
    this.kind = kind;
    this.path = displayOf(path);
    this.pathBytes = Uint8Array.from(Buffer.from(path, "latin1"));
    if (from !== undefined) {
      this.from = displayOf(from);
      this.fromBytes = Uint8Array.from(Buffer.from(from, "latin1"));
    }
    if (before !== undefined) this.before = sideOf(before);
    if (after !== undefined) this.after = sideOf(after);
    this.conflict = conflict;
    if (problem !== undefined) this.problem = problem;
    this.#difference = difference;
    this.#read = read;
    Object.freeze(this);
  }

  /** What a change was made from; undefined for one that was not made here. */
  static differenceOf(change: Change): Difference | undefined {
    return change instanceof ChangeEntry ? change.#difference : undefined;
  }

  async diff(options: DiffOptions = {}): Promise<string> {
    if (this.problem !== undefined) return `${escapeControl(this.path)}: ${this.problem}\n`;
    const part = await this.#read(this.#difference);
    const patch = patchOf(part, options.contextLines ?? 3).replace(/^GIT binary patch\n.*/ms, "Binary files differ\n");
    return escapeControl(Buffer.from(patch, "latin1").toString());
  }
}

function sideOf(entry: BaselineEntry | ScannedEntry): ChangeSide {
  const { kind, mode, size, sha256, target } = entry;
  return {
    kind,
    mode: mode & 0o7777,
    size,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(target === undefined ? {} : { target: target.toString() }),
  };
}

/** What {@link ChangeList} is made of. */
export interface ChangeListParts {
  readonly listed: readonly ChangeEntry[];
  readonly git: readonly ChangeEntry[];
  readonly ignoredCount: number;
  /** The folders that are there, as Latin-1. */
  readonly folders: ReadonlySet<string>;
  readonly read: ReadSides;
}

/** The implementation of {@link Changes}. */
export class ChangeList extends Array<Change> implements Changes {
  readonly git: readonly Change[];
  readonly ignoredCount: number;
  readonly #folders: ReadonlySet<string>;
  readonly #read: ReadSides;

  constructor({ listed, git, ignoredCount, folders, read }: ChangeListParts) {
    super();
    for (const each of listed) this.push(each);
    this.git = git;
    this.ignoredCount = ignoredCount;
    this.#folders = folders;
    this.#read = read;
    Object.freeze(this);
  }

  /** `map`, `filter` and the like give plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** The folders that were there when these changes were found. */
  static foldersOf(list: ChangeList): ReadonlySet<string> {
    return list.#folders;
  }

  async toPatch(): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    for (const change of this) {
      const difference = ChangeEntry.differenceOf(change);
      if (difference === undefined) continue;
      if (change.problem !== undefined) throw unpatchable(change);
      parts.push(Buffer.from(patchOf(await this.#read(difference)), "latin1"));
    }
    return Uint8Array.from(Buffer.concat(parts));
  }
}

function unpatchable({ path, problem }: Change): SandboxError<"REVIEW_FAILED"> {
  return new SandboxError("REVIEW_FAILED", `Cannot put ${JSON.stringify(path)} into a patch: it is ${problem}`, {
    details: { path, reason: String(problem) },
    hint: "Remove it in the sandbox, or leave it out by reviewing file by file",
  });
}
