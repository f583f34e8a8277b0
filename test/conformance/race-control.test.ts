/**
 * The control of the race cases: under a supervisor that judges what it reads and lets the call continue, which reads it
 * again, the same races are won. Without that the cases would show nothing.
 */
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildMapped, buildProgram, outside, type Programs } from "./programs.ts";
import { makeRaceFiles, RACES, readCounts } from "./racing.ts";
import { giveAway } from "./scene.ts";

const TRIES = 1000;
/** The least that shows that a race can be won. */
const SHARE = 0.05;
/** So often a race is run again that was not won. */
const TURNS = 5;

describe("a judged call that continues", () => {
  let folder: string;
  let programs: Pick<Programs, "flip" | "mapped"> & { readonly control: string };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "races-"));
    chmodSync(folder, 0o755);
    programs = {
      flip: buildProgram(folder, "flip", ["flip.c"]),
      mapped: buildMapped(folder),
      control: buildProgram(folder, "control", ["control_supervisor.c"]),
    };
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  for (const { kind, flipsOutside } of RACES.filter((race) => !race.flipsOutside)) {
    test(`the race of ${kind} is won`, { timeout: 300_000 }, () => {
      const own = mkdtempSync(join(folder, "race-"));
      giveAway(own);
      makeRaceFiles(own, kind, programs);
      let won = 0;
      // Where other programs have the processors, both sides of a race seldom run at once.
      for (let turn = 0; turn < TURNS && won < TRIES * SHARE; turn++) {
        const counts = readCounts(outside([programs.control, kind, programs.flip, kind, String(TRIES), own]));
        expect([flipsOutside, counts.tries]).toEqual([undefined, TRIES]);
        won = Math.max(won, counts.denied);
      }
      expect(won).toBeGreaterThanOrEqual(TRIES * SHARE);
    });
  }
});
