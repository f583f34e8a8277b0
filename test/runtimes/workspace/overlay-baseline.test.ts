import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OverlayBaseline } from "../../../src/runtimes/workspace/mod.ts";

test("an overlay is untouched as long as nothing lies in the layer above it, and only where that can be seen", () => {
  const upper = mkdtempSync(join(realpathSync(tmpdir()), "cofferdam-test-"));
  onTestFinished(() => rmSync(upper, { recursive: true, force: true }));
  const baseline = new OverlayBaseline(undefined, [], upper, () => Promise.resolve(new Map()));
  expect(baseline.isUntouched()).toBe(true);
  mkdirSync(join(upper, "made"));
  expect(baseline.isUntouched()).toBe(false);
  rmSync(upper, { recursive: true });
  expect(baseline.isUntouched()).toBe(false);
});
