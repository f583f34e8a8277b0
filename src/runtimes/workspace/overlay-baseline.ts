/**
 * The baseline of an overlay: the host's folder itself, for the sandbox's changes all lie in a layer above it.
 *
 * @module
 */
import { readdirSync } from "node:fs";
import {
  type Baseline,
  type BaselineEntries,
  type BaselineEntry,
  isSameHost,
  TICK_MS,
  tellsChanges,
  writeRoots,
} from "./baseline.ts";
import type { WorkspaceGrant } from "./select.ts";

/** Finds the files and symlinks at and below the roots of a folder. */
export type Survey = (folder: string, roots: readonly string[]) => Promise<BaselineEntries>;

/** Looks at the host's folder each time that somebody asks. */
export class OverlayBaseline implements Baseline {
  readonly folder: Baseline["folder"];
  readonly roots: readonly string[];
  readonly #upper: string;
  readonly #survey: Survey;
  readonly #startedMs = Date.now();
  readonly sinceMs: number;
  /** What was written back: the host has changed it, and still it is known. */
  readonly #learnt = new Map<string, BaselineEntry>();

  constructor(folder: Baseline["folder"], grants: readonly WorkspaceGrant[], upper: string, survey: Survey) {
    this.folder = folder;
    this.roots = writeRoots(grants);
    this.#upper = upper;
    this.#survey = survey;
    this.sinceMs = tellsChanges(upper) ? this.#startedMs - TICK_MS : 0;
  }

  /** Whatever is changed, made or removed leaves something in the layer above. */
  isUntouched(): boolean {
    try {
      return readdirSync(this.#upper).length === 0;
    } catch {
      return false;
    }
  }

  async load(): Promise<BaselineEntries> {
    const entries: BaselineEntries =
      this.folder === undefined ? new Map() : await this.#survey(this.folder.path, this.roots);
    // Few: those that the host has changed since, and those that were written back.
    for (const [path, entry] of entries) {
      if (entry.host.ctimeMs > this.#startedMs) entries.set(path, { ...entry, changedSince: true });
    }
    for (const [path, learnt] of this.#learnt) {
      const entry = entries.get(path);
      if (entry !== undefined && isSameHost(learnt.host, entry.host)) entries.set(path, learnt);
    }
    return entries;
  }

  learn(path: string, entry: BaselineEntry | undefined): void {
    if (entry === undefined) this.#learnt.delete(path);
    else this.#learnt.set(path, entry);
  }
}
