/**
 * `sandbox.changes`, `apply` and `discard`: the review of a sandbox, with its records.
 *
 * @module
 */
import { SandboxError } from "../errors.ts";
import {
  type ApplyOptions,
  type ApplyResult,
  type Changes,
  type ChangesOptions,
  type DiscardOptions,
  type DiscardResult,
  MAX_FILE_BYTES_DEFAULT,
  Review,
} from "../review/mod.ts";
import type { StartedWarden } from "../runtimes/runtime.ts";
import { count, invalid } from "./arguments.ts";
import { killed, settled } from "./change-policy.ts";
import type { SandboxContext } from "./context.ts";
import { knownOptions, type Names } from "./known-options.ts";
import type { SandboxRecords } from "./records.ts";
import { WardenTree } from "./review-tree.ts";

const CHANGES: Names<ChangesOptions> = { ignored: true, maxFileBytes: true, signal: true };
const APPLY: Names<ApplyOptions> = { only: true, changes: true, symlinks: true, git: true, check: true };
const DISCARD: Names<DiscardOptions> = { only: true, running: true };

/** What reaches the host's folder of a workspace that is a copy or an overlay. */
export interface WorkspaceReview {
  /**
   * What changed in the workspace since the start: files added, modified, deleted and renamed, with their diffs. Works while
   * commands run: each file is then what it was when it was looked at.
   *
   * Shape: an array of changes, in the order of the paths. Files that the folder's own `.gitignore` rules ignore are counted and
   * not listed; git's own files are in `changes.git`.
   *
   * @throws {SandboxError} REVIEW_UNAVAILABLE If the workspace is the folder itself, live.
   * @throws {SandboxError} REVIEW_FAILED If the folder has gone, or there is too much to look at.
   *
   * @example
   * ```ts
   * import { createSandbox } from "cofferdam";
   *
   * await using sandbox = await createSandbox({ version: 1, filesystem: { write: ["./docs"] } }, { workspace: "." });
   * await sandbox.sh`echo "# Draft" > docs/draft.md`;
   * for (const change of await sandbox.changes()) console.log(change.kind, change.path, await change.diff());
   * await sandbox.apply({ only: "docs/**" });
   * ```
   */
  changes(options?: ChangesOptions): Promise<Changes>;
  /**
   * Writes changes back to the folder that the workspace was made from: what `changes()` showed last, and nothing that came
   * after. Each file is written whole or not at all; those that cannot be are in `refused`, with the reason.
   *
   * @throws {SandboxError} CHANGES_REFUSED If `check` is set and a change was refused; the others are applied then.
   * @throws {SandboxError} REVIEW_UNAVAILABLE If the workspace is live, or there is no folder.
   * @throws {SandboxError} REVIEW_FAILED If the folder has gone.
   * @throws {SandboxError} ARGUMENT_INVALID If `only` is not of the dialect of policies.
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>;
  /**
   * Puts the sandbox's files back to what they were, so that the agent can begin again. Empty folders stay.
   *
   * @throws {SandboxError} COMMANDS_RUNNING If commands run, unless they are to be killed.
   * @throws {SandboxError} REVIEW_UNAVAILABLE If the workspace is live.
   */
  discard(options?: DiscardOptions): Promise<DiscardResult>;
}

/** The review of one sandbox. */
export class Reviewing implements WorkspaceReview {
  readonly #context: SandboxContext;
  readonly #records: SandboxRecords;
  readonly #review: Review | undefined;
  readonly #simulated: boolean;

  constructor(context: SandboxContext, records: SandboxRecords, { baseline, isolation }: StartedWarden) {
    this.#context = context;
    this.#records = records;
    this.#simulated = isolation === "none";
    this.#review = baseline === undefined ? undefined : new Review(baseline, new WardenTree(context));
  }

  async changes(options: ChangesOptions = {}): Promise<Changes> {
    knownOptions("changes", options, CHANGES);
    const { maxFileBytes = MAX_FILE_BYTES_DEFAULT } = options;
    count("maxFileBytes", maxFileBytes, 1);
    return this.#of("changes").changes(options);
  }

  async apply(options: ApplyOptions = {}): Promise<ApplyResult> {
    knownOptions("apply", options, APPLY);
    oneOf("symlinks", options.symlinks, ["inside", "any"]);
    oneOf("git", options.git, ["never", "commits"]);
    return this.#of("apply").apply(options, (change, refused) => this.#records.changeApplied(change, refused));
  }

  async discard(options: DiscardOptions = {}): Promise<DiscardResult> {
    knownOptions("discard", options, DISCARD);
    oneOf("running", options.running, ["refuse", "kill"]);
    const review = this.#of("discard");
    await this.#quiet(options);
    const result = await review.discard(options);
    this.#records.changesDiscarded(result);
    return result;
  }

  /** What runs would go on writing to files that are taken from under it. */
  async #quiet({ running = "refuse" }: DiscardOptions): Promise<void> {
    const programs = this.#context.running;
    if (running === "kill") await Promise.all([...programs].map(killed));
    else await settled(programs);
    if (programs.size === 0) return;
    const what = `${programs.size} command${programs.size === 1 ? " runs" : "s run"}`;
    throw new SandboxError("COMMANDS_RUNNING", `Cannot discard the changes while ${what}`, {
      details: { count: programs.size, section: "filesystem" },
      hint: 'Wait for them, or pass { running: "kill" }',
    });
  }

  #of(operation: string): Review {
    if (this.#review !== undefined) return this.#review;
    const reason = this.#simulated
      ? "it is simulated, and has no files"
      : "its workspace is the folder itself, live: what was changed is changed there";
    throw new SandboxError(
      "REVIEW_UNAVAILABLE",
      `Cannot review the workspace of sandbox ${this.#context.id}: ${reason}`,
      {
        details: { operation, reason },
        hint: 'Use a copy: workspace: { path, mode: "copy" }',
      },
    );
  }
}

function oneOf(argument: string, value: unknown, known: readonly string[]): void {
  if (value === undefined || (typeof value === "string" && known.includes(value))) return;
  throw invalid(
    argument,
    `Cannot use ${JSON.stringify(value)} as ${argument}`,
    value,
    `Use one of ${known.join(", ")}`,
  );
}
