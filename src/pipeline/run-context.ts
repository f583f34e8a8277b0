/**
 * What all stages of a run share.
 *
 * @module
 */
import type { BaselineEntries } from "../runtimes/workspace/mod.ts";
import type { ReadPolicy } from "../sandbox/read-policy.ts";
import type { GateApprover } from "./gate-types.ts";
import type { Journal } from "./journal.ts";
import type { PipelineEvent } from "./journal-types.ts";
import type { Manifest } from "./manifest.ts";
import type { ProjectFolder } from "./project.ts";
import type { RunFolder } from "./run-folder.ts";
import { foldEvents, type RunState } from "./state.ts";
import type { Pipeline } from "./types.ts";

/** Everything but the journal's state. */
export interface RunParts {
  readonly definition: Pipeline;
  readonly folder: RunFolder;
  readonly journal: Journal;
  /** With the grants of the pipeline. */
  readonly policies: Readonly<Record<string, ReadPolicy>>;
  readonly project: ProjectFolder;
  /** The files of the project that the stages begin with. */
  readonly inputs: Manifest;
  /** The project's files as they were looked at by this process: what writing back compares with. */
  readonly entries: BaselineEntries;
  readonly approve: GateApprover | undefined;
  /** Digests that were approved ahead, by stage. */
  readonly approvals: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}

/** A run that goes on. */
export class RunContext implements RunParts {
  readonly definition: Pipeline;
  readonly folder: RunFolder;
  readonly journal: Journal;
  readonly policies: Readonly<Record<string, ReadPolicy>>;
  readonly project: ProjectFolder;
  readonly inputs: Manifest;
  readonly entries: BaselineEntries;
  readonly approve: GateApprover | undefined;
  readonly approvals: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;

  constructor(parts: RunParts) {
    this.definition = parts.definition;
    this.folder = parts.folder;
    this.journal = parts.journal;
    this.policies = parts.policies;
    this.project = parts.project;
    this.inputs = parts.inputs;
    this.entries = parts.entries;
    this.approve = parts.approve;
    this.approvals = parts.approvals;
    this.signal = parts.signal;
  }

  /** What has happened so far. */
  get state(): RunState {
    return foldEvents(this.journal.events);
  }

  /** Writes a step down, before anything follows from it. */
  async record(event: PipelineEvent): Promise<void> {
    this.signal.throwIfAborted();
    await this.journal.append(event);
  }
}
