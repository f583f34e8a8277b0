/**
 * The review of one sandbox's workspace: what changed, writing it back, taking it back.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import type { Baseline } from "../runtimes/workspace/mod.ts";
import { type ApplyObserver, applyChanges, chooseChanges } from "./apply.ts";
import { ChangeEntry, ChangeList } from "./change-list.ts";
import type { Difference } from "./compare.ts";
import { patchPart } from "./contents.ts";
import { discardChanges } from "./discard.ts";
import { changeTest } from "./filter.ts";
import { HostFolder } from "./host-folder.ts";
import { look } from "./look.ts";
import type { Tree } from "./tree.ts";
import type {
  ApplyOptions,
  ApplyResult,
  Change,
  Changes,
  ChangesOptions,
  DiscardOptions,
  DiscardResult,
} from "./types.ts";

/** Files up to this are hashed. */
export const MAX_FILE_BYTES_DEFAULT: number = 1024 * 1024 * 1024;

/** One after the other: each call sees what the one before left. */
export class Review {
  readonly #baseline: Baseline;
  readonly #tree: Tree;
  #latest: ChangeList | undefined;
  /** What an earlier call has applied of a list is not applied again. */
  readonly #applied = new WeakSet<Change>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(baseline: Baseline, tree: Tree) {
    this.#baseline = baseline;
    this.#tree = tree;
  }

  /** See `Sandbox.changes`. */
  changes(options: ChangesOptions = {}): Promise<ChangeList> {
    return this.#next(() => this.#look(options));
  }

  /** See `Sandbox.apply`. */
  apply(options: ApplyOptions, observe: ApplyObserver): Promise<ApplyResult> {
    const target = this.#baseline.folder;
    if (target === undefined) throw withoutFolder();
    return this.#next(async () => {
      const changes = listOf(options.changes) ?? this.#latest ?? (await this.#look({}));
      const chosen = chooseChanges(changes, options).filter((change) => !this.#applied.has(change));
      return withFolder(target, (folder) => {
        const { symlinks = "inside" } = options;
        const to = { tree: this.#tree, folder, symlinks, folders: ChangeList.foldersOf(changes) };
        return applyChanges(to, this.#baseline, chosen, options, (change, refused) => {
          if (refused === undefined) this.#applied.add(change);
          observe(change, refused);
        });
      });
    });
  }

  /** See `Sandbox.discard`. */
  discard({ only }: DiscardOptions): Promise<DiscardResult> {
    const test = changeTest(only);
    return this.#next(async () => {
      const changes = await this.#look({ ignored: true });
      const chosen = [...changes, ...changes.git].filter(test).map(ChangeEntry.differenceOf);
      const differences = chosen.filter((each) => each !== undefined);
      this.#latest = undefined;
      const { folder } = this.#baseline;
      if (folder === undefined) return discardChanges({ tree: this.#tree, folder }, this.#baseline, differences);
      return withFolder(folder, (open) =>
        discardChanges({ tree: this.#tree, folder: open }, this.#baseline, differences),
      );
    });
  }

  async #look({ ignored = false, maxFileBytes = MAX_FILE_BYTES_DEFAULT, signal }: ChangesOptions): Promise<ChangeList> {
    const { folder } = this.#baseline;
    const find = async (open: HostFolder | undefined) => {
      const parts = { baseline: this.#baseline, tree: this.#tree, folder: open, maxFileBytes, ignored, signal };
      const { listed, git, ignoredCount, folders } = await look(parts);
      const entry = (each: Difference) => new ChangeEntry(each, isConflict(each, open), this.#read);
      return new ChangeList({
        listed: listed.map(entry),
        git: git.map(entry),
        ignoredCount,
        folders,
        read: this.#read,
      });
    };
    this.#latest = folder === undefined ? await find(undefined) : await withFolder(folder, find);
    return this.#latest;
  }

  readonly #read = (difference: Difference) => {
    const { folder } = this.#baseline;
    if (folder === undefined) return patchPart({ tree: this.#tree, folder }, difference);
    return withFolder(folder, (open) => patchPart({ tree: this.#tree, folder: open }, difference));
  };

  #next<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

function listOf(changes: Changes | undefined): ChangeList | undefined {
  if (changes === undefined || changes instanceof ChangeList) return changes;
  throw new SandboxError("ARGUMENT_INVALID", "Cannot apply a list that `changes()` did not give", {
    details: { argument: "changes" },
    hint: "Pass what sandbox.changes() returned, and choose with `only`",
  });
}

function isConflict({ path, from, before }: Difference, folder: HostFolder | undefined): boolean {
  if (folder === undefined) return false;
  if (before !== undefined && !folder.isUnchanged(from ?? path, before)) return true;
  return (before === undefined || from !== undefined) && folder.look(path).kind !== "missing";
}

async function withFolder<T>(
  target: NonNullable<Baseline["folder"]>,
  use: (folder: HostFolder) => Promise<T>,
): Promise<T> {
  const folder = HostFolder.open(target);
  try {
    return await use(folder);
  } finally {
    folder.close();
  }
}

function withoutFolder(): SandboxError<"REVIEW_UNAVAILABLE"> {
  const reason = "the sandbox was made without a workspace, so there is no folder to write to";
  return new SandboxError("REVIEW_UNAVAILABLE", `Cannot apply changes: ${reason}`, {
    details: { operation: "apply", reason },
    hint: "Name a folder: createSandbox(policy, { workspace })",
  });
}
