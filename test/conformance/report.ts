/**
 * What ran in a place, for scripts/conformance-summary.mjs.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PlaceName } from "./places.ts";

/** One case: `not-applicable` says why. */
export interface CaseReport {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "not-applicable";
  readonly reason?: string;
  /** How long it took, where it passed. */
  readonly durationMs?: number;
}

/** The report of one place. */
export interface PlaceReport {
  readonly place: PlaceName;
  readonly durationMs: number;
  readonly cases: readonly CaseReport[];
}

const FOLDER = process.env.COFFERDAM_CONFORMANCE_REPORT || ".cache/conformance";

function pathOf(place: PlaceName): string {
  return join(FOLDER, `${place}.json`);
}

/** Whatever an earlier run left says nothing about this one. */
export function forget(place: PlaceName): void {
  rmSync(pathOf(place), { force: true });
}

export function write(report: PlaceReport): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(pathOf(report.place), `${JSON.stringify(report, undefined, 2)}\n`);
}
