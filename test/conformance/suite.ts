/**
 * The conformance suite: every case in every place. A file for each, so that they run beside each other.
 */
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inapplicable } from "./case.ts";
import { cases } from "./cases/mod.ts";
import { type Place, type PlaceName, places } from "./places.ts";
import { buildPrograms } from "./programs.ts";
import { type CaseReport, forget, write } from "./report.ts";
import { Scene, Stage } from "./scene.ts";

const TIMEOUT_MS = 60_000;

/** Declares the cases of those of the named places that are to be run here. */
export async function conformance(...names: readonly PlaceName[]): Promise<void> {
  // A file without a test would fail.
  test("every case has a name of its own", () => {
    const all = cases.map(({ name }) => name);
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
  });
  for (const place of places()) {
    if (!names.includes(place.name)) continue;
    forget(place.name);
    const problem = await place.problem();
    if (problem === undefined) describe(place.name, () => suite(place));
    else refuse(place, problem);
  }
}

function refuse(place: Place, problem: string): void {
  console.error(`\nCONFORMANCE: NOTHING WAS TESTED IN ${place.name}, because ${problem}\n`);
  if (process.env.CI !== "true") return;
  test(`${place.name} can be used`, () => expect.fail(`With CI=true every place must run, but ${problem}`));
}

function suite(place: Place): void {
  const reports: CaseReport[] = [];
  const temporary = process.env.TMPDIR;
  let started = 0;
  let stage: Stage;

  beforeAll(() => {
    started = performance.now();
    // Not named as the library names its own, so that a leftover of the library's is seen.
    const folder = mkdtempSync(join(tmpdir(), "conformance-"));
    chmodSync(folder, 0o755);
    process.env.TMPDIR = folder;
    process.env.COFFERDAM_STATE = join(folder, "state");
    process.env.COFFERDAM_TEST_CANARY = "the host's environment";
    stage = new Stage(place, buildPrograms(folder), folder);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await stage.close();
    process.env.TMPDIR = temporary;
    if (temporary === undefined) delete process.env.TMPDIR;
    await rm(stage.folder, { recursive: true, force: true });
    write({ place: place.name, durationMs: Math.round(performance.now() - started), cases: reports });
  }, TIMEOUT_MS);

  for (const each of cases) {
    const reason = inapplicable(each, place);
    if (reason !== undefined) {
      reports.push({ name: each.name, outcome: "not-applicable", reason });
      continue;
    }
    test(each.name, { timeout: TIMEOUT_MS }, async () => {
      const scene = new Scene(stage);
      const index = reports.push({ name: each.name, outcome: "failed" }) - 1;
      const began = performance.now();
      try {
        await each.run(scene);
      } finally {
        await scene.close();
      }
      const durationMs = Math.round(performance.now() - began);
      reports[index] = { name: each.name, outcome: "passed", durationMs };
    });
  }
}
